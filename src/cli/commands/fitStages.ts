import { type StagePlan, stageAt, type TrainingEvent } from "../../train.ts";
import { grouped } from "../terminal/text.ts";

/** A stage for machines; images/s are those of its end, null where another run trained it. */
export interface StageResult {
  readonly size: number;
  readonly epochs: number;
  readonly imagesPerSecond: number | null;
}

/** What is told of the stages of a training; nothing where there is only one. */
export interface StageWords {
  /** The plan, in one line. */
  readonly plan: string | undefined;
  /** `stage 1/4 16×16  `, in front of what an epoch came to. */
  ofEpoch(epoch: number): string;
  /** The same while it runs. */
  ofEvent(event: TrainingEvent): string;
  /** Takes note of how fast a stage goes. */
  watch(event: TrainingEvent): void;
  results(): readonly StageResult[] | undefined;
  /** Images/s by stage, in one line. */
  speeds(): string | undefined;
}

function side({ size }: Pick<StagePlan, "size">): string {
  return `${size}×${size}`;
}

function planText({ from, to, dropout, augmentation: { randAugment, mixup }, ...stage }: StagePlan): string {
  const details = [
    `${to - from} epoch${to - from === 1 ? "" : "s"}`,
    ...(dropout === undefined ? [] : [`dropout ${Number(dropout.toFixed(3))}`]),
    ...(randAugment ? [`magnitude ${Number(randAugment.magnitude.toFixed(2))}`] : []),
    ...(mixup ? [`mixup ${Number(mixup.toFixed(3))}`] : []),
  ];
  return `${side(stage)} (${details.join(", ")})`;
}

/** Words for the stages of a training. */
export function openStageWords(stages: readonly StagePlan[]): StageWords {
  const speeds = new Map<number, number>();
  const isStaged = stages.length > 1;
  const words = (number: number): string => (isStaged ? `stage ${number}/${stages.length} ${side(stages[number - 1])}  ` : "");
  const results = (): readonly StageResult[] | undefined => {
    if (!isStaged) return undefined;
    return stages.map(({ number, from, to, size }) => {
      const speed = speeds.get(number);
      return { size, epochs: to - from, imagesPerSecond: speed === undefined ? null : Number(speed.toFixed(1)) };
    });
  };
  return {
    plan: isStaged ? `stages: ${stages.map(planText).join(", ")}` : undefined,
    ofEpoch: (epoch) => words(stageAt(stages, epoch - 1).number),
    ofEvent: ({ stage }) => words(stage.number),
    watch({ phase, stage, imagesPerSecond }) {
      if (phase === "training") speeds.set(stage.number, imagesPerSecond);
    },
    results,
    speeds() {
      const known = results()?.filter(({ imagesPerSecond }) => imagesPerSecond !== null);
      if (!known?.length) return undefined;
      return known.map((stage) => `${side(stage)} ${grouped(stage.imagesPerSecond ?? 0)} images/s`).join(", ");
    },
  };
}
