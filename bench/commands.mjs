/**
 * Runs the commands that the parent process sends, and sends their results back. Exits when the parent has disconnected.
 *
 * @param commands functions by name; each gets the other members of the message
 */
export function handleCommands(commands) {
  process.on('message', async ({ id, command, ...parameters }) => {
    try {
      process.send({ id, ...(await commands[command](parameters)) });
    } catch (error) {
      process.send({ id, failure: String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
}
