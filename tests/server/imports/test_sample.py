"""The recording that comes with the package."""

from pathlib import Path

from server import imports
from tests.server.imports.answers import imported

PATH = Path(imports.__file__).parent / "sample" / "open-server.json"


def test_the_bundled_recording_has_two_servers_that_do_something() -> None:
    assert PATH.stat().st_size < 400_000
    chunks = imported(PATH.read_bytes())
    assert len({chunk.source for chunk in chunks}) == 2
    ends = {chunk.tables["memory"]["time"][-1] for chunk in chunks}
    assert len(ends) == 1, "both end at the same moment, so that both look alive after --shift-to-now"
    for chunk in chunks:
        assert chunk.rows == {"cpu": 358, "memory": 180, "disk": 179}
        for table, column in (("cpu", "idle"), ("memory", "used_bytes"), ("disk", "write_bytes_per_second")):
            values = [float(str(value)) for value in chunk.tables[table][column]]
            assert max(values) > 2 * min(values)
