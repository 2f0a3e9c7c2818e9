import { type PolicyOptions, tokenIntrospection } from '../../lib/index.js';
import { errorOf, HUSH, INVALID, NEVER_VALID, POLICY_OPTIONS, REMEDIES, REQUIRED } from '../support/option-cases.js';

describe('with()', () => {
  const authenticate = tokenIntrospection(REQUIRED);
  const derive = (policyOptions: PolicyOptions): unknown => authenticate.with(policyOptions);

  it.each(POLICY_OPTIONS)('accepts %s, and rejects the same invalid values as tokenIntrospection()', (name) => {
    expect(() => authenticate.with({ [name]: undefined })).not.toThrow();
    for (const value of [...(INVALID[name] ?? []), ...NEVER_VALID]) {
      const message = errorOf({ [name]: value }, derive);
      expect(message.startsWith(`Option "${name}" is `)).toBe(true);
      expect(message.endsWith(`; ${REMEDIES[name]}`)).toBe(true);
    }
  });

  it.each(Object.keys(INVALID).filter((name) => !POLICY_OPTIONS.includes(name)))(
    'rejects %s, which all middlewares of one introspector share',
    (name) => {
      expect(errorOf({ [name]: HUSH }, derive)).toBe(
        `Option "${name}" is not known here; write one of ${POLICY_OPTIONS.join(', ')}`,
      );
    },
  );

  it.each([
    ['missing', undefined],
    ['null', null],
    ['a list', ['read']],
    ['a string that cannot be used', HUSH],
  ])('rejects options that are %s', (description, policyOptions) => {
    expect(errorOf(policyOptions, derive)).toBe(`Option "options" is ${description}; write a plain object`);
  });
});
