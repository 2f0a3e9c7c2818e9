import fc from 'fast-check';
import { parseStrictObject } from '../../lib/introspection/strict-json.js';

describe('parseStrictObject', () => {
  it('returns the same as JSON.parse for every object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, '\t', ' '), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(JSON.stringify(parseStrictObject(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('throws when any name is repeated in its object, at any depth and however it is written', () => {
    const wrap = fc.constantFrom<(json: string) => string>(
      (json) => json,
      (json) => `{"a":${json}}`,
      (json) => `{"a":[1,{"b":"}"},${json}]}`,
      (json) => `{"a":{"b":{}},"c":"\\"",  "d" : ${json}}`,
    );
    const escapeAll = (name: string) =>
      `"${[...name].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), fc.boolean(), wrap, (name, isEscaped, wrapIn) => {
        const again = isEscaped ? escapeAll(name) : JSON.stringify(name);
        const text = wrapIn(`{${JSON.stringify(name)}:1,"${'z'.repeat(40)}":{},${again} :2}`);
        expect(() => JSON.parse(text)).not.toThrow();
        expect(() => parseStrictObject(text)).toThrow();
      }),
    );
  });

  it.each(['', '[]', 'null', '1', '"a"', '{', '{"a":1}}', '{"a":1,}'])('throws for %j', (text) => {
    expect(() => parseStrictObject(text)).toThrow();
  });

  it.each(['{"a":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":["a","a"],"b":"a"}', '{"a":"b:","b":":"}'])(
    'does not take %j for a repetition',
    (text) => {
      expect(parseStrictObject(`{"x":${text}}`)).toEqual({ x: JSON.parse(text) });
    },
  );
});
