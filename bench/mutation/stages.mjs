/** The test files of the room: those about the room, and further ones. The process that starts Stryker passes them on to its workers. */
export function readStages() {
  return JSON.parse(process.env.MUTATION_STAGES ?? '[]');
}
