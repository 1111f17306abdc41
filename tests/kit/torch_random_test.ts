/**
 * PyTorch's generator against numbers that PyTorch printed. Rows marked 1.13 come from PyTorch 1.13,
 * all others from both 1.13 and 2.14 (CPU, x86 Linux); hashes are over the little-endian bytes.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHash } from "node:crypto";
import { Mt19937 } from "../reference/torch/mt19937.ts";
import { fma32, fma64 } from "../reference/torch/normal.ts";
import { TorchRandom } from "../reference/torch/random.ts";
import { torchCosine, torchMean, torchSum } from "../reference/torch/sum.ts";

const SEEDS = [0, 20, 42];

/** Numbers printed by C with %.9g, which distinguishes all float32 numbers. */
function printed(numbers: ArrayLike<number | bigint>, from = 0, to = numbers.length): string {
  const one = (x: number | bigint) =>
    typeof x === "bigint" || Number.isInteger(x) ? `${x}` : `${+x.toPrecision(9)}`;
  return Array.from(numbers, one).slice(from, to).join(" ");
}

function sha(data: Float32Array): string {
  return createHash("sha256").update(data).digest("hex").slice(0, 16);
}

/** Asserts that each seed gives its row. */
function rows(draw: (torch: TorchRandom) => string, ...wanted: string[]): void {
  assertEquals(wanted.length, SEEDS.length);
  SEEDS.forEach((seed, i) => assertEquals(draw(new TorchRandom(seed)), wanted[i], `seed ${seed}`));
}

describe("Mt19937", () => {
  it("gives the stream of std::mt19937", () => {
    const wanted = [
      "2357136044 2546248239 3071714933 3626093760 2588848963",
      "2526002531 3811404250 3855651087 4099169503 3829095324",
      "1608637542 3421126067 4083286876 787846414 3143890026",
    ];
    SEEDS.forEach((seed, i) => {
      const bits = new Mt19937(BigInt(seed));
      assertEquals(printed(Array.from({ length: 5 }, () => bits.next32())), wanted[i]);
    });
  });

  it("gives the 10,000th number of seed 5489 that the C++ standard requires", () => {
    const bits = new Mt19937(5489n);
    for (let i = 1; i < 10_000; i++) bits.next32();
    assertEquals(bits.next32(), 4123659995);
  });

  it("takes the first draw as the high half of 64 bits", () => {
    assertEquals(new Mt19937(0n).next64(), (2357136044n << 32n) | 2546248239n);
  });
});

describe("TorchRandom, uniform numbers", () => {
  it("rand(10)", () => {
    rows(
      (torch) => printed(torch.rand(10).data),
      "0.49625659 0.768221796 0.0884774327 0.132030487 0.307422817 0.634078681 0.49009341 0.896444738 0.455627978 0.632306278",
      "0.561483562 0.177396417 0.814713418 0.3295421 0.231866598 0.783155084 0.854393542 0.101159334 0.187733352 0.931016326",
      "0.882269263 0.915003955 0.38286376 0.959305644 0.390448213 0.600895345 0.256572485 0.793641329 0.940771461 0.133185923",
    );
  });

  it("rand(1000), every bit", () => {
    rows(
      (torch) => sha(torch.rand(1000).data),
      "20221bec9830215c",
      "2d8184ade504602c",
      "80ff065ee30ad7ac",
    );
  });

  it("rand(2) in float64", () => {
    rows(
      (torch) => torch.rand(2, "float64").data.join(" "),
      "0.9700530018065531 0.707819864399788",
      "0.49186891909203756 0.5177078029691095",
      "0.05815448596142969 0.06291016742457756",
    );
  });

  it("uniform(-0.5, 0.5) is linear(4, 2): weights first, then biases", () => {
    const { weight, bias } = new TorchRandom(20).linear(4, 2);
    const uniform = new TorchRandom(20).uniform(-0.5, 0.5, 10).data;
    assertEquals(printed(uniform, 0, 4), "0.061483562 -0.322603583 0.314713418 -0.1704579");
    assertEquals(weight.shape, [2, 4]);
    assertEquals(bias.shape, [2]);
    assertEquals([...weight.data, ...bias.data], [...uniform]);
  });

  it("linear(30, 7), every bit (2.14)", () => {
    rows(
      (torch) => {
        const { weight, bias } = torch.linear(30, 7);
        return `${sha(weight.data)} ${sha(bias.data)}`;
      },
      "c18a171bde4a1771 cf450e9082550c48",
      "2826fe4f60295440 a83c1e65b89141f7",
      "d43138f601c16e66 5dca2693cea3d50e",
    );
  });

  it("uniform in float64 (2.14)", () => {
    rows(
      (torch) => torch.uniform(-3, 5, 2, "float64").data.join(" "),
      "4.760424014452425 2.6625589151983036",
      "0.9349513527363005 1.1416624237528756",
      "-2.5347641123085625 -2.4967186606033795",
    );
  });

  it("exponential (2.14)", () => {
    rows(
      (torch) => printed(torch.exponential(2, 6).data),
      "1.75416315 0.615192354 0.307522058 1.26755929 0.517852724 0.783064425",
      "0.338507921 0.364602566 0.965280592 0.901355505 0.348444194 0.635620594",
      "0.0299570076 0.032488063 0.0659583881 0.0270064753 0.373455346 0.323881179",
    );
  });
});

describe("TorchRandom, normal numbers", () => {
  it("randn(10): one by one", () => {
    rows(
      (torch) => printed(torch.randn(10).data),
      "1.54099607 -0.293428898 -2.17878938 0.568431258 -1.08452237 -1.39859545 0.403346837 0.838026345 -0.719257593 -0.403343529",
      "-1.2060709 0.061670728 1.16315532 -1.50083029 -1.5944066 -0.0187056046 -2.13248801 -0.527000487 -0.102095537 0.0099088978",
      "0.336690366 0.128809407 0.234462366 0.23033303 -1.12285638 -0.186328292 2.20820141 -0.637997031 0.461657226 0.267350882",
    );
  });

  it("randn(100): in blocks of 16", () => {
    rows(
      (torch) => printed(torch.randn(100).data, 0, 10),
      "-1.12583983 -1.1523602 -0.250578582 -0.433878809 0.848710358 0.692009151 -0.31601277 -2.11521935 0.322274923 -1.26333475",
      "0.489634544 0.567158759 1.55074525 -0.358335406 0.679168403 -0.0396351591 -0.138001457 -0.447063565 1.18700218 -0.26247412",
      "1.92691529 1.48728406 0.900717199 -2.10552096 0.678418458 -1.23454487 -0.0430674776 -1.60466695 -0.752135277 1.64872301",
    );
  });

  it("randn(20): draws the last 16 again", () => {
    rows(
      (torch) => printed(torch.randn(20).data, 10),
      "1.44366014 0.266049415 1.38936615 1.58633423 0.946298361 -0.843676746 0.931826591 1.25900924 2.00498056 0.0537369028",
      "-0.713170826 -0.757595599 0.366993308 -0.872951508 1.68604553 0.317616761 -0.778712094 0.554874718 1.33963454 1.47684228",
      "-0.493356347 0.241487786 -0.23162432 0.041759491 -0.251575291 0.859858513 -0.309726775 -0.395710498 0.803409338 -0.621595383",
    );
  });

  it("randn(1000) and randn(999), every bit", () => {
    rows(
      (torch) => sha(torch.randn(1000).data),
      "43678415636bbad8",
      "73f9d8d7e931033a",
      "13b35fb427f5f8d7",
    );
    rows(
      (torch) => sha(torch.randn(999).data),
      "9e2a61377b971216",
      "1282409b7a890958",
      "9d12fa251ede54c8",
    );
  });

  it("normal(2, 3) (2.14)", () => {
    assertEquals(
      printed(new TorchRandom(0).normal(2, 3, 20).data, 0, 4),
      "-1.37751949 -1.4570806 1.24826431 0.698363543",
    );
  });

  it("float64, one by one and in blocks, within 2 ulp (2.14)", () => {
    const wanted = [1.5409961082440433, -0.2934289057609464, -2.1787893820745574];
    const got = new TorchRandom(0).randn(3, "float64").data;
    wanted.forEach((want, i) => assert(Math.abs(got[i] - want) <= 2 ** -51 * Math.abs(want)));
  });

  it("normal(2, 3) in float64 rounds once, one by one and in blocks (2.14)", () => {
    // Numbers that come out different where the product is rounded first.
    const few = new TorchRandom(20).normal(2, 3, 12, "float64").data;
    assertEquals([few[3], few[4]], [-2.502491008998325, -2.7832198908033026]);
    const block = new TorchRandom(20).normal(2, 3, 20, "float64").data;
    assertEquals([block[2], block[3]], [0.3193897961567219, 0.40883496677564735]);
  });

  it("normal survives a standard deviation that fused arithmetic cannot split", () => {
    for (const n of [3, 20]) {
      const { data } = new TorchRandom(0).normal(0, 1e305, n, "float64");
      const standard = new TorchRandom(0).randn(n, "float64").data;
      assertEquals([...data], [...standard.map((x) => 1e305 * x)]);
    }
  });

  it("the second number of a pair survives other draws, but not a new seed", () => {
    const torch = new TorchRandom(0);
    assertEquals(printed(torch.randn(3).data), "1.54099607 -0.293428898 -2.17878938");
    assertEquals(printed(torch.rand(2).data), "0.455627978 0.632306278");
    assertEquals(printed(torch.randn(16).data, 0, 2), "0.491304964 -0.204101726");
    assertEquals(printed(torch.randn(2).data), "0.568431258 -0.826468706");
    torch.manualSeed(0).randn(1);
    assertEquals(printed(torch.manualSeed(0).randn(1).data), "1.54099607");
  });

  it('mode "scalar" (1.13 without AVX2)', () => {
    const wanted = [
      "-1.12583983 -1.1523602 -0.250578582 -0.433878839 0.848710358",
      "0.489634663 0.567158759 1.55074525 -0.358335435 0.679168284",
      "1.92691505 1.48728418 0.900717199 -2.10552144 0.678418458",
    ];
    SEEDS.forEach((seed, i) => {
      const torch = new TorchRandom(seed, { mode: "scalar" });
      assertEquals(printed(torch.randn(100).data, 0, 5), wanted[i]);
    });
  });

  it('mode "avx2" differs from fused arithmetic in few places, by the last digits', () => {
    const fused = new TorchRandom(0).randn(100_000).data;
    const plain = new TorchRandom(0, { mode: "avx2" }).randn(100_000).data;
    const differing = fused.filter((x, i) => x !== plain[i]).length;
    assert(differing > 500 && differing < 1500, `${differing} of 100000 differ`); // 0.97 % of 10^6
    fused.forEach((x, i) => assert(Math.abs(x - plain[i]) <= 2 ** -22 * Math.abs(x)));
  });

  it("seeds count by their low 32 bits, negative ones too", () => {
    const seeds: [number | bigint, number | bigint][] = [[2n ** 32n + 5n, 5], [-1, 2n ** 32n - 1n]];
    for (const [a, b] of seeds) {
      assertEquals(new TorchRandom(a).rand(4), new TorchRandom(b).rand(4));
    }
  });
});

describe("fused multiply-add", () => {
  it("rounds once where rounding twice is wrong", () => {
    // a * b = 2^-24 (1 - 2^-30): beside 1 a double loses the 2^-54, and what is left is a float32
    // tie, which goes to the even neighbour. The exact sum lies on the other side.
    const [a, b] = [2 ** -24 * (1 + 2 ** -15), 1 - 2 ** -15];
    const [odd, even] = [1 + 2 ** -23, 1 + 2 ** -22];
    assertEquals([fma32(a, b, odd), Math.fround(a * b + odd)], [odd, even]);
    assertEquals([fma32(-a, b, -odd), Math.fround(-a * b - odd)], [-odd, -even]);
    const nextOdd = even + 2 ** -23;
    assertEquals([fma32(-a, b, nextOdd), Math.fround(-a * b + nextOdd)], [nextOdd, even]);
    assertEquals([fma32(a, b, -nextOdd), Math.fround(a * b - nextOdd)], [-nextOdd, -even]);
    assertEquals(fma32(2 ** -24, 1, odd), even); // a true tie
  });

  it("includes the rounding error of the product", () => {
    const x = 1 + 2 ** -30;
    assertEquals(x * x - (1 + 2 ** -29), 0);
    assertEquals(fma64(x, x, -(1 + 2 ** -29)), 2 ** -60);
  });
});

describe("TorchRandom, integers", () => {
  it("random(20) below 2", () => {
    rows(
      (torch) => torch.random(20, "float32", 2).data.join(" "),
      "0 1 1 0 1 1 1 1 1 1 1 0 0 1 0 0 0 0 0 1",
      "1 0 1 1 0 0 1 0 1 0 1 0 0 0 0 1 0 0 1 1",
      "0 1 0 0 0 1 0 0 0 1 0 0 0 0 1 0 1 1 1 0",
    );
  });

  it("randint(0, 100)", () => {
    rows(
      (torch) => torch.randint(0, 100, 10).data.join(" "),
      "44 39 33 60 63 79 27 3 97 83",
      "31 50 87 3 24 50 73 16 87 70",
      "42 67 76 14 26 35 20 24 50 13",
    );
  });

  it("takes 64 bits from a range of 2^28 on (2.14), of 2^32 on (1.13)", () => {
    const below = new TorchRandom(0).randint(0, 2 ** 28 - 1, 4).data;
    const from = new TorchRandom(0).randint(0, 2 ** 28, 4).data;
    const old = new TorchRandom(0, { wideFrom: 2 ** 32 }).randint(0, 2 ** 28, 2).data;
    assertEquals([...below], [209652404, 130329144, 118924928, 136432845]);
    assertEquals([...from], [130329135, 136432832, 195187451, 149257575]);
    assertEquals([...old], [2357136044 % 2 ** 28, 2546248239 % 2 ** 28]);
  });

  it("random without bounds", () => {
    rows(
      (torch) => torch.random(2, "int64").data.join(" "),
      "900450186894289455 3969543146641149120",
      "1625726227214854618 7336523290696244447",
      "6909045637428952499 8314211556539077902",
    );
    const of = (
      dtype: "float32" | "float64" | "int32",
    ) => [...new TorchRandom(0).random(2, dtype).data];
    assertEquals(of("float32"), [8325664, 12888472]);
    assertEquals(of("float64"), [8737460674930124, 6375474555111176]);
    assertEquals(of("int32"), [209652396, 398764591]);
  });

  it("random in a range beyond 32 bits", () => {
    assertEquals(
      new TorchRandom(0).random(2, "int64", 2 ** 40 + 1).data.join(" "),
      "741271415589 506125268506",
    );
    assertEquals(
      new TorchRandom(0).random(2, "int64", -7, 2 ** 40 - 6).data.join(" "),
      "741271415582 506125268499",
    );
  });

  it("randperm(10)", () => {
    rows(
      (torch) => torch.randperm(10).join(" "),
      "4 1 7 5 3 9 0 8 6 2",
      "1 2 9 5 4 3 7 6 0 8",
      "2 6 1 8 4 5 0 9 3 7",
    );
  });

  it("dataLoaderOrder(10)", () => {
    rows(
      (torch) => torch.dataLoaderOrder(10).join(" "),
      "6 7 1 4 2 0 9 8 3 5",
      "2 0 8 5 4 1 3 7 9 6",
      "8 0 9 1 4 5 6 3 2 7",
    );
  });

  it("bernoulli of a number and of tensors (2.14, not an Intel processor)", () => {
    const p = (data: Float32Array | Float64Array) => ({ data, shape: [20] });
    rows(
      (torch) => torch.bernoulli(0.3, 20).data.join(""),
      "00000010010100000100",
      "00000000010000010000",
      "11110000111000001000",
    );
    rows(
      (torch) => torch.bernoulli(p(new Float32Array(20).fill(0.3))).data.join(""),
      "00110000000011100011",
      "01001001101001000001",
      "00000010010000000010",
    );
    rows(
      (torch) => torch.bernoulli(p(new Float64Array(20).fill(0.3))).data.join(""),
      "00000010010100000100",
      "00000000010000010000",
      "11110000111000001000",
    );
  });
});

describe("sums in PyTorch's order", () => {
  it("torchSum and torchMean (2.14)", () => {
    const wanted: [number, string][] = [
      [5, "2.20397782 0.440795571"],
      [100, "50.5529938 0.50552994"],
      [1000, "502.421204 0.5024212"],
      [4096, "2018.67468 0.492840499"],
      [10007, "4980.22314 0.497673929"],
      [30000, "14994.793 0.499826431"],
    ];
    for (const [n, want] of wanted) {
      const { data } = new TorchRandom(1).rand(n);
      assertEquals(printed([torchSum(data), torchMean(data)]), want, `${n} elements`);
    }
  });

  it("the sum of an empty row is 0", () => assertEquals(torchSum(new Float32Array(0)), 0));
});

describe("the seeded HingeEmbeddingLoss of the source", () => {
  const torch = new TorchRandom(20);
  const a = torch.randn([100, 128]).data;
  const b = torch.randn([100, 128]).data;
  const row = (data: Float32Array, i: number) => data.subarray(128 * i, 128 * (i + 1));
  const cosine = Float32Array.from({ length: 100 }, (_, i) => torchCosine(row(a, i), row(b, i)));
  const y = torch.random(100, "float32", 2).data.map((one) => 2 * one - 1);
  const f = Math.fround;
  const loss = cosine.map((cos, i) => {
    const x = f(1 - cos);
    return y[i] === 1 ? x : Math.max(0, f(f(0.2) - x));
  });

  it("draws the same a and b, every bit", () => {
    assertEquals(sha(a), "4b70f2db65830f14");
    assertEquals(sha(b), "50197e97193d557b");
  });

  it("finds the cosines (1.13) and the labels", () => {
    const wanted = "-0.0897357538 -0.082065165 -0.0707101747 -0.0336626209 -0.0797867924";
    assertEquals(printed(cosine, 0, 5), wanted);
    assertEquals(y.slice(0, 10).join(" "), "-1 1 -1 1 1 -1 1 -1 1 -1");
  });

  it("prints the 100 values", () => {
    assertEquals(Array.from(loss, (value) => value.toFixed(4)), PRINTED);
  });

  it("prints the mean to its last digit", () => assertEquals(torchMean(loss), 0.4938560426235199));
});

describe("TorchRandom, bad input", () => {
  const torch = new TorchRandom();

  it("names seed, mode and limit", () => {
    assertThrows(() => new TorchRandom(0.5), RangeError, "current value is 0.5");
    assertThrows(() => torch.manualSeed(2 ** 53), RangeError, "or a bigint");
    assertThrows(() => new TorchRandom(0, { mode: "neon" as "avx2" }), RangeError, "mode must be");
    assertThrows(() => new TorchRandom(0, { wideFrom: 0 }), RangeError, "wideFrom");
  });

  it("names shape and dtype", () => {
    assertThrows(() => torch.rand([2, -1]), RangeError, "current shape is [2,-1]");
    assertThrows(() => torch.rand(1.5), RangeError, "integer ≥ 0");
    assertThrows(() => torch.rand(1, "int8" as "float32"), TypeError, "current value is int8");
    assertThrows(() => torch.random(1, "int8" as "int32"), TypeError, "current value is int8");
  });

  it("names bounds and parameters", () => {
    assertThrows(() => torch.randint(5, 5, 1), RangeError, "current values are 5 and 5");
    assertThrows(() => torch.randint(0, 2 ** 31 + 1, 1), RangeError, "the dtype holds");
    assertThrows(() => torch.randint(0.5, 2, 1), RangeError, "current value is 0.5");
    assertThrows(() => torch.uniform(1, 0, 1), RangeError, "low must be ≤ high");
    assertThrows(() => torch.uniform(0, Infinity, 1), RangeError, "finite");
    assertThrows(() => torch.normal(0, -1, 1), RangeError, "current value is -1");
    assertThrows(() => torch.exponential(0, 1), RangeError, "rate must be > 0");
    assertThrows(() => torch.bernoulli(1.5, 1), RangeError, "current value is 1.5");
    assertThrows(() => torch.randperm(-1), RangeError, "current value is -1");
    assertThrows(() => torch.linear(0, 2), RangeError, "inputs must be ≥ 1");
  });
});

/** The source's output, with four decimals. */
const PRINTED = `
  0.0000 1.0821 0.0000 1.0337 1.0798 0.0000 1.0582 0.0000 0.8795 0.0000 1.1377 0.0000 0.9727 1.0088
  0.0000 0.0000 0.0000 0.0000 0.0000 0.9941 1.0539 0.0000 0.0000 0.0000 1.1907 0.9647 0.8875 0.8585
  0.9471 0.0000 0.0000 0.9677 0.0000 0.0000 0.0000 0.8393 0.0000 0.9900 1.1510 0.0000 0.0000 0.0000
  0.0000 0.0000 0.0000 0.9491 0.9202 0.0000 0.9338 1.0044 0.0000 1.1716 1.0480 0.8654 0.8302 0.0000
  0.8969 0.0000 0.0000 1.0293 0.0000 1.1107 0.8257 0.9162 1.0796 1.0330 0.0000 0.9933 0.0000 0.0000
  1.0066 0.0000 0.0000 0.0000 0.0000 0.9410 0.8609 1.0060 0.0000 0.8454 0.0000 1.0362 0.0000 1.0253
  1.0560 1.0759 0.9888 0.0000 1.0147 0.8566 0.9453 0.0000 0.0000 0.0000 0.0000 0.0000 0.9874 0.0000
  0.0000 1.0352
`.trim().split(/\s+/);
