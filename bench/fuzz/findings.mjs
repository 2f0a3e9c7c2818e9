/** The faults that the fuzzer or the inputs of a target have shown so far. All are mended, and each has a regression test. */
export const FINDINGS = [
  {
    target: 'cli-arguments',
    finding:
      'Control characters in the words after `--env-file`, `--key`, `--option` and `--option-env`, and in `--directory` of `init`, reached the terminal unescaped',
    test: '__tests__/regression/command-output.test.ts',
  },
  {
    target: 'cli-arguments',
    finding:
      '`check --option-env apiKey=toString` read an inherited member as a variable, and printed a message of JavaScript',
    test: '__tests__/regression/command-output.test.ts',
  },
];
