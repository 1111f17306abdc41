/** Tensors in the arena: losses give the same bits as with ordinary ones, with threads and without, and touch nothing beside them. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as lossbook from "@lossbook/losses";
import {
  CrossEntropyLoss,
  type DType,
  empty,
  float32,
  HingeEmbeddingLoss,
  HuberLoss,
  int32,
  KLDivLoss,
  MSELoss,
  softmax,
  Tensor,
  useThreads,
} from "@lossbook/losses";
import { Blocks } from "../../losses/_core/arena/blocks.ts";
import { Arena } from "../../losses/_core/arena/memory.ts";
import { guarded, useArenaAlways } from "../_arena.ts";
import { sameNumbers } from "../_close.ts";
import { type FixtureCase, loadFixture, optionsOf, tensorOf, tensorsOf } from "../_fixtures.ts";
import { type Answer, call, type LossLike } from "../_loss.ts";
import { inFolder, run } from "../_package.ts";
import { Random } from "../_random.ts";
import { PROJECT } from "../checks/files.ts";

describe("buffers", () => {
  it("that share memory with an argument are refused, also if the memory has grown between", () => {
    using tensor = empty([4096]);
    using _large = empty([2 ** 24]);
    const again = new Float32Array(
      Arena.open()!.buffer as ArrayBuffer,
      tensor.data.byteOffset,
      tensor.data.length,
    );
    assert(again.buffer !== tensor.data.buffer, "the memory has not grown");
    assertThrows(
      () => new MSELoss().valueAndGrad(tensor, tensor, { out: { input: again } }),
      RangeError,
      "shares memory",
    );
  });

  it("are known if something else has given the memory a new buffer object", () => {
    const arena = Arena.open()!;
    const { buffer } = arena;
    arena.memory.grow(1);
    assert(arena.buffer !== buffer, "the buffer object is the same");
    using tensor = empty([4096]);
    assert(arena.holds(tensor.data));
  });
});

describe("blocks", () => {
  it("lie side by side, and are taken again when they were freed", () => {
    const blocks = new Blocks(100, 200);
    const [a, b, c] = [blocks.take(30)!, blocks.take(30)!, blocks.take(40)!];
    assertEquals([a, b, c].map(({ start, end }) => [start, end]), [
      [100, 130],
      [130, 160],
      [160, 200],
    ]);
    assertEquals(blocks.take(1), undefined);
    blocks.free(b);
    assertEquals(blocks.take(31), undefined);
    assertEquals(blocks.take(10)?.start, 130);
    blocks.free(a);
    assertEquals(blocks.take(30)?.start, 100);
  });

  it("join the gaps on both sides when they are freed", () => {
    for (const order of [[0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1]]) {
      const blocks = new Blocks(0, 3);
      const taken = [0, 1, 2].map(() => blocks.take(1)!);
      for (const k of order) blocks.free(taken[k]);
      assertEquals(blocks.take(3), { start: 0, end: 3 });
    }
  });

  it("are given back once", () => {
    const blocks = new Blocks(0, 3);
    const [a, b] = [blocks.take(1)!, blocks.take(1)!];
    blocks.free(a);
    blocks.free(a);
    assert(!blocks.isUsed(0, 1) && blocks.isUsed(b.start, b.end));
    assertEquals(blocks.take(2), undefined);
  });

  it("never overlap, whatever is taken and freed", () => {
    const random = new Random(7);
    const blocks = new Blocks(0, 1000);
    const used: { start: number; end: number }[] = [];
    for (let step = 0; step < 2000; step++) {
      const size = 1 + random.below(60);
      const block = random.below(5) < 3 ? blocks.take(size) : undefined;
      if (block !== undefined) {
        assertEquals(block.end - block.start, size);
        assert(used.every(({ start, end }) => block.end <= start || end <= block.start));
        used.push(block);
      } else if (used.length > 0) blocks.free(used.splice(random.below(used.length), 1)[0]);
      for (const { start, end } of used) {
        assert(blocks.isUsed(start, end) && !blocks.isUsed(start, end + 1));
      }
    }
    for (const block of used) blocks.free(block);
    assert(!blocks.isUsed(0, 1));
    assertEquals(blocks.take(1000), { start: 0, end: 1000 });
  });
});

describe("empty", () => {
  it("makes tensors of every type", () => {
    for (const dtype of ["float32", "float64", "int32"] as const) {
      using tensor = empty([2, 3], dtype);
      assertEquals([tensor.dtype, tensor.shape, tensor.data.length], [dtype, [2, 3], 6]);
      assert((tensor as Tensor) instanceof Tensor);
      tensor.data.set([1, 2, 3, 4, 5, 6]);
      assertEquals(tensor.toArray(), [[1, 2, 3], [4, 5, 6]]);
    }
    using nothing = empty([3, 0]);
    assertEquals(nothing.toArray(), [[], [], []]);
    using scalar = empty([]);
    assertEquals(scalar.data.length, 1);
  });

  it("refuses what is no shape and no type", () => {
    assertThrows(() => empty([1.5]), TypeError, "must be an array of whole numbers");
    assertThrows(() => empty(3 as never), TypeError, "must be an array of whole numbers");
    assertThrows(
      () => empty([1], "float16" as never),
      RangeError,
      'dtype must be "float32", "float64" or "int32": current value is "float16"',
    );
    assertThrows(() => empty([2 ** 40]), RangeError);
  });

  it("takes memory again that was freed", () => {
    const first = empty([1000]);
    const { byteOffset } = first.data;
    first[Symbol.dispose]();
    using second = empty([1000]);
    assertEquals(second.data.byteOffset, byteOffset);
  });

  it("gives an ordinary tensor when the memory is full", () => {
    const arena = Arena.open()!;
    const taken = [];
    for (let size = 2 ** 31; size >= 64; size /= 2) {
      for (let block = arena.take(size); block !== undefined; block = arena.take(size)) {
        taken.push(block);
      }
    }
    try {
      using tensor = empty([100]);
      assert(tensor.data.buffer instanceof ArrayBuffer);
      assertEquals(new MSELoss().forward(tensor, tensor).item(), 0);
    } finally {
      for (const block of taken) arena.free(block);
    }
    using tensor = empty([100]);
    assert(tensor.data.buffer instanceof SharedArrayBuffer);
  });
});

describe("a freed tensor", () => {
  const loss = new MSELoss();
  const other = new Float32Array(2000);

  it("has no numbers, and is refused wherever it is used", () => {
    const tensor = empty([2000]);
    tensor[Symbol.dispose]();
    tensor[Symbol.dispose]();
    assertEquals(tensor.data.length, 0);
    assertStringIncludes(`${tensor}`, "freed");
    for (
      const use of [
        () => loss.forward(tensor, other),
        () => loss.forward(other, tensor),
        () => loss.valueAndGrad(other, other, { out: { input: tensor } }),
        () => tensor.toArray(),
      ]
    ) assertThrows(use, RangeError);
  });

  it("is refused as a view of its memory, too", () => {
    const tensor = empty([2000]);
    const view = tensor.data as Float32Array;
    tensor[Symbol.dispose]();
    for (
      const use of [
        () => loss.forward(view, other),
        () => loss.forward(other, view),
        () => loss.forward(new Tensor(view.subarray(1), [1999]), other.subarray(1)),
        () => loss.valueAndGrad(other, other, { out: { input: view } }),
        () => new CrossEntropyLoss().forward(new Tensor(view, [20, 100]), new Int32Array(20)),
      ]
    ) assertThrows(use, RangeError, "must not be freed");
  });

  it("is refused where it would be converted or read as one number, too", () => {
    const freed = (size: number, dtype: DType) => {
      const tensor = empty([size], dtype);
      const view = tensor.data;
      tensor[Symbol.dispose]();
      return view;
    };
    const doubles = new Float64Array(2000);
    const each = new MSELoss({ reduction: "none" });
    for (
      const use of [
        () => loss.forward(freed(2000, "float32"), doubles),
        () => loss.forward(new Tensor(freed(2000, "float32"), [2000]), doubles),
        () => each.valueAndGrad(other, other, { gradOutput: freed(2000, "float64") }),
        () => loss.valueAndGrad(other, other, { gradOutput: new Tensor(freed(1, "float32"), []) }),
        () =>
          new CrossEntropyLoss().forward(
            new Tensor(freed(2000, "float32"), [20, 100]),
            new Tensor(doubles, [20, 100]),
          ),
        () => loss.forward([freed(2000, "float32"), freed(2000, "float32")], 1),
        () => new MSELoss({ weight: freed(2000, "float32") }).forward(doubles, 1),
      ]
    ) assertThrows(use, RangeError, "must not be freed");
  });

  it("does not disturb the one that has its memory now", () => {
    const tensor = empty([2000]);
    const view = tensor.data as Float32Array;
    tensor[Symbol.dispose]();
    using next = empty([1000]);
    assertEquals(next.data.byteOffset, view.byteOffset);
    // The view reaches beyond the new tensor.
    assertThrows(() => loss.forward(view, other), RangeError, "must not be freed");
  });
});

describe("a view of memory that no tensor has", () => {
  it("is refused, also where it begins with the buffer", () => {
    using tensor = empty([1000]);
    using other = empty([1000]);
    const loss = new MSELoss();
    const buffer = tensor.data.buffer as ArrayBuffer;
    // From before the first tensor until after its beginning; the kernels' own numbers; two tensors.
    const reaching = new Float32Array(buffer, 0, tensor.data.byteOffset / 4 + 10);
    const own = new Float32Array(buffer, 0, 1000);
    const both = new Float32Array(buffer, other.data.byteOffset - 40, 20);
    for (const view of [reaching, own, both]) {
      const ordinary = new Float32Array(view.length);
      for (
        const use of [
          () => loss.forward(view, ordinary),
          () => loss.valueAndGrad(ordinary, ordinary, { out: { input: view } }),
        ]
      ) assertThrows(use, RangeError, "must not be freed");
    }
  });
});

/** Losses whose class takes nothing but options. */
const FILES = [
  ...["l1", "mse", "smooth_l1", "huber", "cross_entropy", "nll", "kl_div", "bce"],
  ...["bce_with_logits", "margin_ranking", "hinge_embedding", "triplet_margin"],
  ...["cosine_embedding", "multi_label_margin", "multi_margin", "soft_margin"],
  ...["multi_label_soft_margin", "ctc", "poisson_nll", "gaussian_nll"],
];

/** A case of a fixture, with ordinary tensors and in the arena. */
function bothWays(loss: LossLike, stored: FixtureCase, shift: number): [Answer, Answer] {
  const { gradOutput } = stored;
  const request = {
    wrt: Object.keys(stored.grad),
    gradOutput: typeof gradOutput === "number" ? gradOutput : tensorOf(gradOutput),
  };
  const args = tensorsOf(stored.args);
  const wanted = call(loss, args, request);
  const places = Object.entries(args).map(([name, tensor]) =>
    [name, guarded(tensor, shift)] as const
  );
  const buffers = Object.entries(wanted.grad).map(([name, { shape, dtype, data }]) => {
    const blank = new Tensor(data.slice().fill(-1), shape);
    return [name, dtype === "int32" ? undefined : guarded(blank, shift)] as const;
  });
  const inArena = (list: readonly (readonly [string, ReturnType<typeof guarded> | undefined])[]) =>
    Object.fromEntries(list.map(([name, place]) => [name, place!.tensor]));
  const found = call(loss, inArena(places), { ...request, out: inArena(buffers) });
  const copies = Object.entries(found.grad).map(([name, { data, shape }]) =>
    [name, new Tensor(data.slice(), shape)] as const
  );
  for (const [name, place] of places) {
    assert(sameNumbers(place.tensor.data, args[name].data), `${name} was changed`);
  }
  for (const [, place] of [...places, ...buffers]) place?.free();
  return [wanted, { value: found.value, grad: Object.fromEntries(copies) }];
}

for (const threads of [1, 3]) {
  describe(`with ${threads} ${threads === 1 ? "thread" : "threads"}, in the arena`, () => {
    for (const file of FILES) {
      const fixture = loadFixture(file);
      it(`${fixture.loss} gives the same bits in all ${fixture.cases.length} stored cases`, async () => {
        await using _threads = await useThreads(threads);
        const restore = useArenaAlways();
        try {
          fixture.cases.forEach((stored, k) => {
            const Loss = lossbook[fixture.loss as "HuberLoss"];
            const loss = new Loss(optionsOf(stored.options) as object);
            const [wanted, found] = bothWays(loss, stored, k % 4);
            assert(sameNumbers(found.value.data, wanted.value.data), `${stored.name}: value`);
            for (const [name, { data }] of Object.entries(wanted.grad)) {
              assert(sameNumbers(found.grad[name].data, data), `${stored.name}: grad.${name}`);
            }
          });
        } finally {
          restore();
        }
      });
    }

    it("large calls give the same bits", async () => {
      await using _threads = await useThreads(threads);
      const random = new Random(11);
      const draw = (size: number) => Float32Array.from({ length: size }, () => random.normal());
      const n = 300_001;
      const [x, y] = [draw(n), draw(n)];
      const scores = new Tensor(draw(700 * 501), [700, 501]);
      const labels = int32(Array.from({ length: 700 }, () => random.below(501)));
      const images = new Tensor(draw(2 * 21 * 7001), [2, 21, 7001]);
      const pixels = int32(Array.from({ length: 2 * 7001 }, () => random.below(21)), [2, 7001]);
      // Some scores are infinite, and some labels are ignored.
      const infinite = ({ data, shape }: Tensor) =>
        new Tensor((data as Float32Array).map((x, i) => i % 9973 === 11 ? Infinity : x), shape);
      const gaps = ({ data, shape }: Tensor) =>
        int32(Int32Array.from(data, (label, i) => i % 13 === 5 ? -100 : label), shape);
      const cases: [LossLike, Record<string, Tensor>][] = [
        [new CrossEntropyLoss(), { input: infinite(scores), target: gaps(labels) }],
        [new CrossEntropyLoss(), { input: infinite(images), target: gaps(pixels) }],
        [new HuberLoss(), { input: float32(x), target: float32(y) }],
        [new MSELoss({ reduction: "none" }), { input: float32(x), target: float32(y) }],
        [new HuberLoss({ reduction: "sum" }), { input: float32(x, [n, 1]), target: float32(1) }],
        [new KLDivLoss(), { input: float32(x), target: float32(y.map(Math.abs)) }],
        [new CrossEntropyLoss(), { input: scores, target: labels }],
        [new CrossEntropyLoss({ labelSmoothing: 0.1 }), { input: scores, target: labels }],
        [new CrossEntropyLoss(), { input: images, target: pixels }],
        [new CrossEntropyLoss({ labelSmoothing: 0.1 }), { input: images, target: pixels }],
        [new lossbook.TripletMarginLoss(), { anchor: scores, positive: scores, negative: scores }],
        [new lossbook.MultiMarginLoss(), { input: scores, target: labels }],
      ];
      for (const [loss, args] of cases) {
        const wanted = call(loss, args);
        const places = Object.entries(args).map(([name, t]) => [name, guarded(t)] as const);
        const buffers = Object.entries(wanted.grad).map(([name, t]) => [name, guarded(t)] as const);
        for (const [, { tensor }] of buffers) tensor.data.fill(NaN);
        const of = (list: typeof places) => Object.fromEntries(list.map(([k, g]) => [k, g.tensor]));
        for (let turn = 0; turn < 3; turn++) {
          const found = call(loss, of(places), { out: of(buffers) });
          assert(sameNumbers(found.value.data, wanted.value.data), `${loss}: value`);
          for (const [name, { data }] of Object.entries(wanted.grad)) {
            assert(sameNumbers(found.grad[name].data, data), `${loss}: grad.${name}`);
          }
        }
        for (const [, place] of [...places, ...buffers]) place.free();
      }
    });
  });
}

describe("kernels", () => {
  it("give their memory back when they are collected as garbage", async () => {
    // Kernels for rows of this length are kept only as long as there is room for them.
    const code = `
      const { CrossEntropyLoss, empty } = await import("${new URL("mod.ts", PROJECT)}");
      const { Arena } = await import("${new URL("losses/_core/arena/memory.ts", PROJECT)}");
      using scores = empty([1, 2 ** 21 + 1]);
      const places = new Set();
      for (let k = 0; k < 3; k++) {
        new CrossEntropyLoss().forward(scores, [3]);
        for (let turn = 0; turn < 2; turn++) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          gc();
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
        const block = Arena.open().take(2 ** 24);
        places.add(block.start);
        Arena.open().free(block);
      }
      console.log(places.size);`;
    await inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/program.js`, code);
      const args = ["run", "--no-config", "--no-lock", "--quiet", "--v8-flags=--expose-gc"];
      assertEquals(await run(Deno.execPath(), [...args, `${folder}/program.js`]), "1\n");
    });
  });
});

describe("in the arena", () => {
  it("infinite scores are not changed", () => {
    using scores = empty([50, 40]);
    scores.data.fill(1);
    for (let row = 0; row < 50; row += 7) scores.data[row * 40 + row % 40] = Infinity;
    const before = scores.data.slice();
    const wanted = softmax(new Tensor(before, scores.shape));
    assert(sameNumbers(softmax(scores).data, wanted.data));
    const labels = new Int32Array(50).fill(3);
    const loss = new CrossEntropyLoss();
    assertEquals(
      loss.forward(scores, labels).item(),
      loss.forward(new Tensor(before, scores.shape), labels).item(),
    );
    assert(sameNumbers(scores.data, before));
  });

  it("a loss that runs while its request is read writes nothing into the wrong place", () => {
    const restore = useArenaAlways();
    const n = 4000;
    const [x, y] = [1, 3].map((rows) => {
      const data = Float32Array.from({ length: rows * n }, (_, i) => Math.sin(i + rows));
      return guarded(new Tensor(data, [rows, n]));
    });
    const other = guarded(new Tensor(new Float32Array(2 * n), [2 * n]));
    const buffer = guarded(new Tensor(new Float32Array(2 * n), [2 * n]));
    const loss = new MSELoss();
    const wanted = loss.valueAndGrad(
      new Tensor(x.tensor.data.slice(), x.tensor.shape),
      new Tensor(y.tensor.data.slice(), y.tensor.shape),
    );
    const found = loss.valueAndGrad(x.tensor, y.tensor, {
      get gradOutput() {
        loss.valueAndGrad(other.tensor, 1, { out: { input: buffer.tensor } });
        buffer.tensor.data.fill(5);
        return 1;
      },
    });
    restore();
    assertEquals(found.value.item(), wanted.value.item());
    assert(sameNumbers(found.grad.input.data, wanted.grad.input.data));
    assert(buffer.tensor.data.every((number) => number === 5));
    for (const place of [x, y, other, buffer]) place.free();
  });

  it("arrays of a class of their own are read and written like others", () => {
    class Scores extends Float32Array {}
    // More than one tile.
    const n = 30_000;
    using x = empty([n]);
    using y = empty([n]);
    using g = empty([n]);
    for (let i = 0; i < n; i++) [x.data[i], y.data[i]] = [Math.sin(i), Math.cos(i)];
    const wanted = new MSELoss().valueAndGrad(x.data.slice(), y.data.slice());
    const own = ({ data }: Tensor) => new Scores(data.buffer as ArrayBuffer, data.byteOffset, n);
    const { value } = new MSELoss().valueAndGrad(own(x), own(y), { out: { input: own(g) } });
    assertEquals(value.item(), wanted.value.item());
    assert(sameNumbers(g.data, wanted.grad.input.data));
  });

  it("ordinary arguments and buffers mix with others", () => {
    const x = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i));
    const y = Float32Array.from({ length: 5000 }, (_, i) => Math.cos(i));
    using inArena = empty([5000]);
    using buffer = empty([5000]);
    const wanted = new HuberLoss().valueAndGrad(x, y);
    inArena.data.set(x);
    for (const [a, b] of [[inArena, y], [x, y], [inArena, float32(y)]] as const) {
      for (const input of [buffer, new Float32Array(5000)]) {
        const { value, grad } = new HuberLoss().valueAndGrad(a, b, { out: { input } });
        assertEquals(value.item(), wanted.value.item());
        assert(sameNumbers(grad.input.data, wanted.grad.input.data));
      }
    }
  });

  it("a repeated argument is copied, even if its operand has served a check or a sum before", () => {
    const wave = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i));
    const [rows, whole] = [wave(2000), wave(2000 * 3)];
    const signs = rows.map(Math.sign).map((sign) => sign || 1);
    using column = empty([2000, 1]);
    using x = empty([2000, 3]);
    using weight = empty([2000, 3]);
    column.data.set(rows);
    x.data.set(whole);
    weight.data.set(whole.map(Math.abs));
    const [plainColumn, plainX] = [new Tensor(rows, [2000, 1]), new Tensor(whole, [2000, 3])];
    const plainWeight = new Tensor(whole.map(Math.abs), [2000, 3]);

    const weighted = new MSELoss({ weight }).valueAndGrad(column, x);
    const wanted = new MSELoss({ weight: plainWeight }).valueAndGrad(plainColumn, plainX);
    assertEquals(weighted.value.item(), wanted.value.item());
    assert(sameNumbers(weighted.grad.input.data, wanted.grad.input.data));

    column.data.set(signs);
    const checked = new HingeEmbeddingLoss().valueAndGrad(x, column);
    const plain = new HingeEmbeddingLoss().valueAndGrad(plainX, new Tensor(signs, [2000, 1]));
    assertEquals(checked.value.item(), plain.value.item());
    assert(sameNumbers(checked.grad.input.data, plain.grad.input.data));
  });
});
