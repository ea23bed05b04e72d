// What the HTML report needs of the flame graph's libraries, as one global.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";

globalThis.TimestampsFlame = { flamegraph, select };
