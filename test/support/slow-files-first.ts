import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, which their size does not show: they begin first, so that none is left to run alone at the end. */
const longest = ["wire/power-cuts", "scenarios/loss-matrix", "browser/reconnecting"];

export class SlowFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [
      ...sorted.filter((file) => rankOf(file) >= 0).toSorted((one, other) => rankOf(one) - rankOf(other)),
      ...sorted.filter((file) => rankOf(file) < 0),
    ];
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  return longest.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`));
}
