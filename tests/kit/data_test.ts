/** The data sets of the notebooks, and the functions that prepare them. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  argmax,
  column,
  complete,
  dataset,
  type DataSets,
  oneHot,
  origin,
  rowsOf,
  samplesOf,
  standardise,
  trainTest,
  trainValidationTest,
} from "../../notebooks/_kit/data/data.ts";

const ROWS: Record<keyof DataSets, number> = {
  anscombe: 44,
  barley: 120,
  birdstrikes: 10_000,
  burtin: 16,
  cars: 406,
  challenger: 23,
  "co2-concentration": 741,
  digits: 1797,
  earthquakes: 1707,
  football: 6508,
  gapminder: 682,
  movies: 3201,
  penguins: 344,
  phones: 24,
  "seattle-weather": 1461,
};

/** The types of the values in each column. */
const KINDS: { [Name in keyof DataSets]?: Record<keyof DataSets[Name], string> } = {
  birdstrikes: {
    "Airport Name": "string",
    "Aircraft Make Model": "string",
    "Effect Amount of damage": "string",
    "Flight Date": "string",
    "Aircraft Airline Operator": "string",
    "Origin State": "string",
    "Phase of flight": "string",
    "Wildlife Size": "string",
    "Wildlife Species": "string",
    "Time of day": "string",
    "Cost Other": "number",
    "Cost Repair": "number",
    "Cost Total $": "number",
    "Speed IAS in knots": "null number",
  },
  cars: {
    Name: "string",
    Miles_per_Gallon: "null number",
    Cylinders: "number",
    Displacement: "number",
    Horsepower: "null number",
    Weight_in_lbs: "number",
    Acceleration: "number",
    Year: "string",
    Origin: "string",
  },
  challenger: { fahrenheit: "number", distress: "boolean" },
  "co2-concentration": { Date: "string", CO2: "number", "adjusted CO2": "number" },
  earthquakes: {
    magnitude: "number",
    depth: "number",
    longitude: "number",
    latitude: "number",
    felt: "null number",
    place: "string",
    type: "string",
  },
  football: {
    date: "string",
    division: "string",
    home_team: "string",
    away_team: "string",
    home_score: "null number",
    away_score: "null number",
  },
  gapminder: {
    year: "number",
    country: "string",
    cluster: "number",
    pop: "number",
    life_expect: "number",
    fertility: "number",
  },
  penguins: {
    Species: "string",
    Island: "string",
    "Beak Length (mm)": "null number",
    "Beak Depth (mm)": "null number",
    "Flipper Length (mm)": "null number",
    "Body Mass (g)": "null number",
    Sex: "null string",
  },
  phones: { year: "number", calls: "number" },
  "seattle-weather": {
    date: "string",
    precipitation: "number",
    temp_max: "number",
    temp_min: "number",
    wind: "number",
    weather: "string",
  },
};

describe("dataset", () => {
  for (const [name, count] of Object.entries(ROWS) as [keyof DataSets, number][]) {
    it(`${name}: ${count} rows of the types that are declared`, async () => {
      const rows: Record<string, unknown>[] = await dataset(name) as never;
      assertEquals(rows.length, count);
      const wanted = KINDS[name];
      if (wanted === undefined) return;
      const found = Object.keys(rows[0]).map((key) => {
        const kinds = new Set(rows.map((row) => row[key] === null ? "null" : typeof row[key]));
        return [key, [...kinds].sort().join(" ")];
      });
      assertEquals(Object.fromEntries(found), wanted);
    });
  }

  it("digits: 64 pixels from 0 to 16, about the same number of each digit", async () => {
    const rows = await dataset("digits");
    assert(rows.every(({ pixels }) => pixels.length === 64 && Math.max(...pixels) <= 16));
    const counts = new Uint16Array(10);
    for (const { digit } of rows) counts[digit]++;
    assertEquals([...counts], [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assertEquals(rows[0].pixels.slice(0, 8).join(" "), "0 0 5 13 9 1 0 0");
  });

  it("phones: only the six years in the wrong unit count more than 100", async () => {
    const rows = await dataset("phones");
    const wrong = rows.filter(({ calls }) => calls > 100).map(({ year }) => year);
    assertEquals(wrong, [1964, 1965, 1966, 1967, 1968, 1969]);
    assertEquals([rows[0], rows[23]], [{ year: 1950, calls: 4.4 }, { year: 1973, calls: 29 }]);
  });

  it("challenger: seven flights with damage, among them all four below 66 °F", async () => {
    const rows = await dataset("challenger");
    const cold = rows.filter(({ fahrenheit }) => fahrenheit < 66);
    assertEquals(cold.map(({ fahrenheit }) => fahrenheit), [53, 57, 58, 63]);
    assert(cold.every(({ distress }) => distress));
    assertEquals(rows.filter(({ distress }) => distress).length, 7);
    // The mean, 1600 / 23, which the literature rounds to 69.6.
    assertEquals(rows.reduce((total, { fahrenheit }) => total + fahrenheit, 0), 1600);
  });

  it("names its origin and its licence", () => {
    assert(origin("digits").includes("CC BY 4.0"));
    assert(origin("penguins").includes("CC0") && origin("penguins").includes("vega-datasets"));
  });

  it("refuses other names, and lists the known ones", async () => {
    const wrong = "iris" as "cars";
    await assertRejects(() => dataset(wrong), RangeError, 'data set "iris" as there are only ansc');
    assertThrows(() => origin(wrong), RangeError, "penguins");
  });
});

describe("complete and column", () => {
  it("keep the rows that have the values, and take one column", async () => {
    const penguins = complete(await dataset("penguins"), "Body Mass (g)");
    const mass = column(penguins, "Body Mass (g)");
    assertEquals(mass.length, 342);
    assertEquals([...mass.slice(0, 4)], [3750, 3800, 3250, 3450]);
  });

  it("a column names the row that has no number", async () => {
    const rows = await dataset("penguins") as unknown as { mass: number }[];
    assertThrows(() => column(rows, "mass"), TypeError, '"mass" as row 0 has no number');
  });
});

describe("standardise", () => {
  it("gives mean 0 and standard deviation 1", () => {
    const { values, mean, std } = standardise([1, 3, 5, 7]);
    assertEquals([mean, std], [4, Math.sqrt(5)]);
    assertEquals([...values], [-3, -1, 1, 3].map((x) => x / Math.sqrt(5)));
  });

  it("scales another column by the first", () => {
    assertEquals([...standardise([10, 12], { mean: 4, std: 2 }).values], [3, 4]);
  });

  it("refuses a column of equal numbers", () => {
    assertThrows(() => standardise([2, 2]), RangeError, "current value is 0");
    assertThrows(() => standardise([]), RangeError, "current value is NaN");
  });
});

describe("trainTest", () => {
  const rows = Array.from({ length: 10 }, (_, i) => i);

  it("takes the test set from the front of PyTorch's randperm", () => {
    // torch.manual_seed(0); torch.randperm(10)
    assertEquals(trainTest(rows, { test: 0.3 }), { test: [4, 1, 7], train: [5, 3, 9, 0, 8, 6, 2] });
  });

  it("keeps every row once, and depends on the seed only", () => {
    const { train, test } = trainTest(rows, { seed: 42 });
    assertEquals([...train, ...test].sort(), rows);
    assertEquals(trainTest(rows, { seed: 42 }), { train, test });
  });

  it("refuses an empty set", () => {
    assertThrows(() => trainTest(rows, { test: 1 }), RangeError, "test set is 1");
    assertThrows(() => trainTest([1], {}), RangeError, "Cannot split 1 rows");
  });
});

describe("rows", () => {
  it("are cut from a flat array", () => {
    assertEquals(rowsOf(Float32Array.of(1, 2, 3, 4, 5, 6), 3), [[1, 2, 3], [4, 5, 6]]);
    assertEquals(rowsOf([], 3), []);
    assertThrows(() => rowsOf([1, 2, 3], 2), RangeError, "current width is 2");
    assertThrows(() => rowsOf([1], 0), RangeError, "current width is 0");
  });

  it("are one-hot", () => {
    assertEquals(oneHot(Int32Array.of(1, 0), 3), [[0, 1, 0], [1, 0, 0]]);
    for (const label of [-1, 2, 0.5]) {
      assertThrows(() => oneHot([label], 2), RangeError, `current value is ${label}`);
    }
  });

  it("have a largest number, the first of several", () => {
    assertEquals(argmax([-3, 5, 5]), 1);
    assertEquals(argmax(Float64Array.of(-1)), 0);
    assertThrows(() => argmax([]), RangeError, "no numbers");
  });
});

describe("trainValidationTest", () => {
  const all = Array.from({ length: 40 }, (_, i) => i);

  it("splits all rows into three sets, differently for each seed", () => {
    const { train, validation, test } = trainValidationTest(all, { validation: 0.2, test: 0.1 });
    assertEquals([train.length, validation.length, test.length], [28, 8, 4]);
    assertEquals([...train, ...validation, ...test].sort((a, b) => a - b), all);
    assertEquals(trainValidationTest(all, { validation: 0.2, test: 0.1 }).test, test);
    assert(`${trainValidationTest(all, { seed: 1 }).test}` !== `${trainValidationTest(all).test}`);
  });

  it("keeps the test set when only the share of the validation set changes", () => {
    const { test } = trainValidationTest(all, { validation: 0.5, seed: 3 });
    assertEquals(trainValidationTest(all, { validation: 0.1, seed: 3 }).test, test);
  });

  it("refuses shares that leave a set empty", () => {
    for (const shares of [{ test: 0 }, { validation: 0 }, { validation: 0.5, test: 0.5 }]) {
      assertThrows(() => trainValidationTest(all, shares), RangeError, "current shares are");
    }
  });
});

describe("samplesOf", () => {
  const parts = {
    train: [{ a: 1, b: 10, y: 0 }, { a: 3, b: 30, y: 1 }],
    validation: [{ a: 5, b: 20, y: 1 }],
    test: [],
  };
  const input = ({ a, b }: { a: number; b: number }) => [a, b];
  const target = ({ y }: { y: number }) => y;

  it("gives inputs and targets of each set", () => {
    assertEquals(samplesOf(parts, input, target), {
      train: { X: [[1, 10], [3, 30]], y: [0, 1] },
      validation: { X: [[5, 20]], y: [1] },
      test: { X: [], y: [] },
    });
  });

  it("scales all sets as the training set, and puts a 1 before the inputs", () => {
    const options = { standardised: true, bias: true };
    const { train, validation } = samplesOf(parts, input, target, options);
    assertEquals(train.X, [[1, -1, -1], [1, 1, 1]]);
    assertEquals(validation.X, [[1, 3, 0]]);
  });
});
