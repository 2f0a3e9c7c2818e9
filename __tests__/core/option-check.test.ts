import { checkOptions } from '../../lib/core/option-check.js';

const KNOWN = ['acrValues', 'maxAgeSeconds'];

describe('checkOptions', () => {
  it.each([[{}], [{ acrValues: [] }], [{ maxAgeSeconds: 1, acrValues: undefined }]])('accepts %j', (options) => {
    expect(() => checkOptions(options, KNOWN)).not.toThrow();
  });

  it('suggests a similar name', () => {
    expect(() => checkOptions({ maxAge: 1 }, KNOWN)).toThrow(
      new TypeError('Option "maxAge" is not known here; did you mean "maxAgeSeconds"?'),
    );
  });

  it.each([
    [KNOWN, 'write one of acrValues, maxAgeSeconds'],
    [['index'], 'write index'],
  ])('lists the known names %j when none is similar', (known, remedy) => {
    expect(() => checkOptions({ later: 1 }, known)).toThrow(
      new TypeError(`Option "later" is not known here; ${remedy}`),
    );
  });

  it('shows the remedy of the caller instead of the list', () => {
    expect(() => checkOptions({ later: 1 }, KNOWN, 'write it elsewhere')).toThrow('not known here; write it elsewhere');
    expect(() => checkOptions({ acrValue: 1 }, KNOWN, 'write it elsewhere')).toThrow('did you mean "acrValues"?');
  });

  it.each(['toString', '__proto__', 'constructor'])('rejects the own member %s', (name) => {
    const options = Object.defineProperty({}, name, { value: 1, enumerable: true });
    expect(() => checkOptions(options, KNOWN)).toThrow(`Option "${name}" is not known here; `);
  });

  it('rejects an unknown option whose value is undefined', () => {
    expect(() => checkOptions({ later: undefined }, KNOWN)).toThrow(TypeError);
  });
});
