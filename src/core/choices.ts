/** The index of the largest element; the first of equals. */
export function argmax(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
  return best;
}

/** Probabilities of logits, in float64. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const most = logits[argmax(logits)];
  const raised = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  const total = raised.reduce((sum, x) => sum + x, 0);
  return raised.map((x) => x / total);
}

/** One answer of a classification. */
export interface Choice {
  readonly label: string;
  readonly probability: number;
}

/** The `top` most probable labels of one image's logits, most probable first. */
export function topChoices(logits: ArrayLike<number>, labels: readonly string[], top = 5): readonly Choice[] {
  const choices = Array.from(softmax(logits), (probability, k) => ({ label: labels[k], probability }));
  return choices.sort((a, b) => b.probability - a.probability).slice(0, top);
}
