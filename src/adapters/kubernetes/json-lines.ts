/** The JSON documents of a stream that holds one a line, as watches do. Fails on a line that is not JSON. */
export async function* readJsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new TextDecoder();
  // Chunks of a long line are joined once, when its end has come: appending text to text would be quadratic in the worst case.
  let pending: string[] = [];
  for await (const chunk of stream) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      const whole = [...pending, line].join('').trim();
      pending = [];
      if (whole !== '') yield JSON.parse(whole);
    }
    if (rest !== '') pending.push(rest);
  }
  const last = [...pending, decoder.decode()].join('').trim();
  if (last !== '') yield JSON.parse(last);
}
