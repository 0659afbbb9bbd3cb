/** The base unit (UCUM, as in the catalogue) of every column of a series; what is not here is a ratio, `1`. */

const BYTES = "By";

/** @type {Record<string, Record<string, string>>} */
export const TABLES = {
  cpu: {},
  memory: {
    total_bytes: BYTES,
    available_bytes: BYTES,
    used_bytes: BYTES,
    swap_total_bytes: BYTES,
    swap_used_bytes: BYTES,
  },
  disk: {
    read_bytes_per_second: "By/s",
    write_bytes_per_second: "By/s",
    reads_per_second: "{operation}/s",
    writes_per_second: "{operation}/s",
  },
};
