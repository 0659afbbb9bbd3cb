"""Small lines of many instances in one statement, over the partitions that overlap the range. Pure.

Rules:

* Samples are counted once, into (instance, bucket): joining parts at each time first, as a series does, would hold
  every time of every instance in memory. So a core counts as much as another, and the throughput of all devices is
  their sum over the number of times, which is the largest number of samples that one of them has.
* Both give what a series gives, unless a core or device comes or goes within a bucket.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from server.store.partition import Partition

_FIGURES = (
    ("cpu_busy", "cpu", "1 - idle", "0"),
    ("memory_used_ratio", "memory", "used_bytes / nullif(total_bytes, 0)", "0"),
    ("disk_bytes_per_second", "disk", "read_bytes_per_second + write_bytes_per_second", "device"),
)


def sparks_statement(
    instances: Sequence[str], start_ms: int, end_ms: int, bucket_ms: int, partitions: Sequence[Partition]
) -> tuple[str, Mapping[str, Any]]:
    """A statement that answers with one SparkRow per instance, figure and bucket that has samples."""
    selects = " UNION ALL ".join(_figure(*figure, partitions) for figure in _FIGURES)
    statement = f"WITH wanted AS (SELECT unnest($instances::UUID[]) AS sym) {selects}"
    return statement, {"instances": list(instances), "start": start_ms, "end": end_ms, "bucket": bucket_ms}


def _figure(name: str, table: str, number: str, part: str, partitions: Sequence[Partition]) -> str:
    samples = " UNION ALL ".join(
        f"SELECT sym, epoch_ms(time) // $bucket AS bucket, {part} AS part, ({number})::DOUBLE AS number "
        f"FROM {partition.alias}.{table} SEMI JOIN wanted USING (sym) "
        "WHERE time >= make_timestamp_ms($start) AND time < make_timestamp_ms($end)"
        for partition in partitions
    )
    return f"""
        SELECT sym::VARCHAR, '{name}', bucket, sum(total) / nullif(max(known), 0) FROM (
            SELECT sym, bucket, part, sum(number) AS total, count(number) AS known
            FROM ({samples}) GROUP BY sym, bucket, part
        ) GROUP BY sym, bucket"""
