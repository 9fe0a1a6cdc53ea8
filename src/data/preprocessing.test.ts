import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { pixelKey } from "./image.ts";
import { checkPreprocessing, preprocessingFor } from "./preprocessing.ts";

const rule = { size: 224, channels: 3, fit: "crop" } as const;

test("a share of the shorter side is part of the record where it is given, and refused where it is none", () => {
  const record = preprocessingFor(rule);
  assert.equal("share" in record, false);
  assert.deepEqual(checkPreprocessing({ ...record, share: 0.875 }), { ...record, share: 0.875 });
  for (const share of [0, 1.01, -1, Number.NaN, "0.875", null])
    assert.throws(
      () => checkPreprocessing({ ...record, share }),
      (error: Error) => {
        assert(error instanceof OptionError);
        assert.match(error.message, /^preprocessing\.share: found .*, needs a number from 0\.05 to 1$/);
        return true;
      },
    );
});

test("rules that prepare other bytes have other keys", () => {
  assert.equal(pixelKey(rule), "224x3-crop");
  assert.equal(pixelKey({ ...rule, share: 1 }), pixelKey(rule));
  assert.equal(pixelKey({ ...rule, share: 0.875 }), "224x3-crop-0.875");
});
