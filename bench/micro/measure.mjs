// Pure code, timed in batches: the median batch, in microseconds each.

const batches = 60;
const warmUpBatches = 15;
/** Results go here, so that the work cannot be optimised away. */
export const sink = { kept: undefined };

/** @param run does the work `count` times. @returns the median and the slowest hundredth of the batches, in microseconds for one. */
export function timeEach(count, run) {
  const samples = [];
  for (let batch = -warmUpBatches; batch < batches; batch++) {
    const began = process.hrtime.bigint();
    run(count);
    if (batch >= 0) samples.push(Number(process.hrtime.bigint() - began) / 1000 / count);
  }
  samples.sort((a, b) => a - b);
  return { value: samples[batches >> 1], p99: samples[Math.floor(batches * 0.99)] };
}

/** Hands rows to micro.mjs, which started this file. */
export const say = (rows) => console.log(JSON.stringify(rows));
