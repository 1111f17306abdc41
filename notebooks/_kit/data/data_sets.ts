/** The data sets, and where each comes from. */

// Imported to be found: the package does not export its data folder.
import "vega-datasets";

/** The rows of each data set. `null` stands for a missing value. */
export interface DataSets {
  /** Anscombe's quartet: four series with one regression line, of which III has an outlier. */
  anscombe: { Series: "I" | "II" | "III" | "IV"; X: number; Y: number };
  /** Yields of ten barley varieties at six sites in two years. */
  barley: { yield: number; variety: string; year: number; site: string };
  /** Strikes of birds and aircraft, with cost: mostly zero, some enormous. */
  birdstrikes: {
    "Airport Name": string;
    "Aircraft Make Model": string;
    "Effect Amount of damage": string;
    "Flight Date": string;
    "Aircraft Airline Operator": string;
    "Origin State": string;
    "Phase of flight": string;
    "Wildlife Size": string;
    "Wildlife Species": string;
    "Time of day": string;
    "Cost Other": number;
    "Cost Repair": number;
    "Cost Total $": number;
    "Speed IAS in knots": number | null;
  };
  /** The dose of three antibiotics that stops each of 16 bacteria: three labels per row. */
  burtin: {
    Bacteria: string;
    Penicillin: number;
    Streptomycin: number;
    Neomycin: number;
    Gram_Staining: "positive" | "negative";
    Genus: string;
  };
  /** Cars of 1970 to 1982. */
  cars: {
    Name: string;
    Miles_per_Gallon: number | null;
    Cylinders: number;
    Displacement: number;
    Horsepower: number | null;
    Weight_in_lbs: number;
    Acceleration: number;
    Year: string;
    Origin: "USA" | "Europe" | "Japan";
  };
  /** The 23 flights of the Space Shuttle before Challenger's last: the temperature, and damage to O-rings of field joints. */
  challenger: { fahrenheit: number; distress: boolean };
  /** Carbon dioxide over Mauna Loa, month by month. */
  "co2-concentration": { Date: string; CO2: number; "adjusted CO2": number };
  /** 1,797 handwritten digits, 8 × 8 pixels from 0 to 16. */
  digits: { pixels: Uint8Array; digit: number };
  /** The earthquakes of one week. */
  earthquakes: {
    magnitude: number;
    depth: number;
    longitude: number;
    latitude: number;
    felt: number | null;
    place: string;
    type: string;
  };
  /** Football matches of five leagues: goals are counts. */
  football: {
    date: string;
    division: string;
    home_team: string;
    away_team: string;
    home_score: number | null;
    away_score: number | null;
  };
  /** Life expectancy and fertility by country. */
  gapminder: {
    year: number;
    country: string;
    cluster: number;
    pop: number;
    life_expect: number;
    fertility: number;
  };
  /** Films with budget, gross and ratings, and with known errors. */
  movies: {
    Title: string | number | null;
    "US Gross": number | null;
    "Worldwide Gross": number | null;
    "US DVD Sales": number | null;
    "Production Budget": number | null;
    "Release Date": string;
    "MPAA Rating": string | null;
    "Running Time min": number | null;
    Distributor: string | null;
    Source: string | null;
    "Major Genre": string | null;
    "Creative Type": string | null;
    Director: string | null;
    "Rotten Tomatoes Rating": number | null;
    "IMDB Rating": number | null;
    "IMDB Votes": number | null;
  };
  /** Penguins of three species. */
  penguins: {
    Species: "Adelie" | "Chinstrap" | "Gentoo";
    Island: string;
    "Beak Length (mm)": number | null;
    "Beak Depth (mm)": number | null;
    "Flipper Length (mm)": number | null;
    "Body Mass (g)": number | null;
    Sex: string | null;
  };
  /** International phone calls from Belgium, in tens of millions; 1964 to 1969 count minutes by mistake. */
  phones: { year: number; calls: number };
  /** The weather of Seattle, day by day for four years. */
  "seattle-weather": {
    date: string;
    precipitation: number;
    temp_max: number;
    temp_min: number;
    wind: number;
    weather: string;
  };
}

const VIA = "via npm:vega-datasets 3.2.1";

const ORIGINS: Record<keyof DataSets, string> = {
  anscombe: `F. J. Anscombe, Graphs in Statistical Analysis, 1973; ${VIA}`,
  barley: `Minnesota Agricultural Experiment Station, 1931–32; ${VIA}`,
  birdstrikes: `FAA Wildlife Strike Database, US government work; ${VIA}`,
  burtin: `W. Burtin, Scope Magazine, 1951, by way of Protovis, BSD licence; ${VIA}`,
  cars: `StatLib, 1982, for educational and scientific purposes; ${VIA}`,
  challenger:
    "Presidential Commission on the Space Shuttle Challenger Accident, 1986, as studied by " +
    "S. R. Dalal, E. B. Fowlkes and B. Hoadley, 1989: 23 facts, US government work",
  "co2-concentration": `Scripps CO2 Program, Mauna Loa, CC BY 4.0; ${VIA}`,
  digits: "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (test set), " +
    "UCI Machine Learning Repository, 1998, CC BY 4.0; by way of scikit-learn",
  earthquakes: `US Geological Survey, February 2018, public domain; ${VIA}`,
  football: `OpenFootball, 2013–17, CC0; ${VIA}`,
  gapminder: `Gapminder Foundation, CC BY 4.0; ${VIA}`,
  movies: `collected by the Vega project, with known errors; ${VIA}`,
  penguins: `K. Gorman, Palmer Station LTER, and A. Horst, palmerpenguins, CC0; ${VIA}`,
  phones: "Belgian Statistical Survey, as printed by P. J. Rousseeuw and A. M. Leroy, Robust " +
    "Regression and Outlier Detection, 1987, table 2: 24 facts, free to use",
  "seattle-weather": `NOAA National Climatic Data Center, US government work; ${VIA}`,
};

/**
 * Reads a data set.
 *
 * @param name Its name.
 * @returns Its rows.
 *
 * @example
 * ```ts
 * const penguins = complete(await dataset("penguins"), "Flipper Length (mm)", "Body Mass (g)");
 * const { train, test } = trainTest(penguins, { seed: 20 });
 * ```
 */
export async function dataset<Name extends keyof DataSets>(name: Name): Promise<DataSets[Name][]> {
  checkName(name);
  return await read(name) as DataSets[Name][];
}

/** The source and terms of a data set, for captions. */
export function origin(name: keyof DataSets): string {
  checkName(name);
  return ORIGINS[name];
}

function checkName(name: string): void {
  if (Object.hasOwn(ORIGINS, name)) return;
  throw new RangeError(
    `Cannot read the data set "${name}" as there are only ${Object.keys(ORIGINS).join(", ")}`,
  );
}

const CSV = new Set<string>(["birdstrikes", "co2-concentration", "seattle-weather"]);

async function read(name: keyof DataSets): Promise<unknown> {
  if (name === "digits") return await digits();
  if (name === "challenger") return challenger();
  if (name === "phones") return phones();
  const folder = new URL("../data/", import.meta.resolve("vega-datasets"));
  if (CSV.has(name)) return fromCsv(await Deno.readTextFile(new URL(`${name}.csv`, folder)));
  const content: unknown = JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, folder)));
  return name === "earthquakes" ? flat(content as EarthquakeFile) : content;
}

/** Reads comma-separated values without quotes; numbers become numbers, empty cells null. */
function fromCsv(text: string): Record<string, string | number | null>[] {
  const [header, ...lines] = text.trim().split(/\r?\n/).map((line) => line.split(","));
  return lines.map((line) =>
    Object.fromEntries(header.map((name, i) => {
      const cell = line[i];
      if (cell === "") return [name, null];
      return [name, Number.isNaN(Number(cell)) ? cell : Number(cell)];
    }))
  );
}

interface EarthquakeFile {
  features: {
    properties: { mag: number; felt: number | null; place: string; type: string };
    geometry: { coordinates: [longitude: number, latitude: number, depth: number] };
  }[];
}

function flat({ features }: EarthquakeFile): DataSets["earthquakes"][] {
  return features.map(({ properties, geometry }) => {
    const [longitude, latitude, depth] = geometry.coordinates;
    const { mag: magnitude, felt, place, type } = properties;
    return { magnitude, depth, longitude, latitude, felt, place, type };
  });
}

async function digits(): Promise<DataSets["digits"][]> {
  const file = await Deno.open(new URL("digits.csv.gz", import.meta.url));
  const text = await new Response(file.readable.pipeThrough(new DecompressionStream("gzip")))
    .text();
  return text.trim().split("\n").map((line) => {
    const numbers = Uint8Array.from(line.split(","), Number);
    return { pixels: numbers.slice(0, 64), digit: numbers[64] };
  });
}

/** Tens of millions of calls per year, from 1950. */
// deno-fmt-ignore
const PHONES = [
  4.4, 4.7, 4.7, 5.9, 6.6, 7.3, 8.1, 8.8, 10.6, 12, 13.5, 14.9, 16.1, 21.2,
  119, 124, 142, 159, 182, 212, 43, 24, 27, 29,
];

function phones(): DataSets["phones"][] {
  return PHONES.map((calls, i) => ({ year: 1950 + i, calls }));
}

/** Temperatures of the joints at the start, for flights with and without damage. */
// deno-fmt-ignore
const JOINTS = {
  distress: [53, 57, 58, 63, 70, 70, 75],
  sound: [66, 67, 67, 67, 68, 69, 70, 70, 72, 73, 75, 76, 76, 78, 79, 81],
};

function challenger(): DataSets["challenger"][] {
  return Object.values(JOINTS).flatMap((joints) =>
    joints.map((fahrenheit) => ({ fahrenheit, distress: joints === JOINTS.distress }))
  );
}
