"""Values and how a person reads them: the server's words and the scripts' are both held to this."""

AGO = [
    (-5000, "just now"),
    (1999, "just now"),
    (2000, "2 s ago"),
    (59_999, "59 s ago"),
    (60_000, "1 min ago"),
    (3_599_999, "59 min ago"),
    (3_600_000, "1 h ago"),
    (172_799_999, "47 h ago"),
    (172_800_000, "2 days ago"),
]
PERCENT: list[tuple[float | None, str]] = [(None, "–"), (0.0, "0.0%"), (0.1234, "12.3%"), (1.0, "100.0%")]
RATE: list[tuple[float | None, str]] = [
    (None, "–"),
    (0.0, "0 B/s"),
    (999.4, "999 B/s"),
    (1000.0, "1.00 kB/s"),
    (9_996.0, "10.0 kB/s"),
    (12_345.0, "12.3 kB/s"),
    (1_250_000.0, "1.25 MB/s"),
    (123_456_789.0, "123 MB/s"),
    (2.5e9, "2.50 GB/s"),
]
MEMORY: list[tuple[int | None, str]] = [
    (None, "–"),
    (4 * 2**30, "4.00 GiB"),
    (16 * 2**30, "16.0 GiB"),
    (512 * 2**20, "512 MiB"),
    (3 * 2**40, "3.00 TiB"),
]
