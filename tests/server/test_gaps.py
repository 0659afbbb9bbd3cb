"""Where a chart has a hole and why, without a store."""

from hypothesis import given
from hypothesis import strategies as st

from server.gaps import Gap, Reason, Stretch, explain, stretches, tolerance

P, M, O = Reason.PAUSED, Reason.MIDNIGHT, Reason.OFFLINE


def test_the_usual_distance_between_samples_is_no_gap() -> None:
    every_minute = list(range(0, 3_600_000, 60_000))
    limit = tolerance(every_minute, 15_000)
    assert limit == 180_000 and not stretches(every_minute, 1000, Stretch(0, 3_600_000), limit)
    assert tolerance([], 15_000) == tolerance([5], 15_000) == 15_000


def test_a_hole_is_found_to_the_bucket() -> None:
    filled = [*range(0, 100_000, 1000), *range(200_000, 300_000, 1000)]
    assert stretches(filled, 1000, Stretch(0, 300_000), 15_000) == [Stretch(100_000, 200_000)]
    assert stretches([], 1000, Stretch(0, 300_000), 15_000) == [Stretch(0, 300_000)]


def test_reasons_cut_a_gap_and_slivers_join_their_neighbour() -> None:
    hole = [Stretch(0, 1_000_000)]
    assert explain(hole, [Stretch(400_000, 600_000)], 100_000, 15_000, 2_000_000) == [
        Gap(0, 100_000, M),
        Gap(100_000, 400_000, O),
        Gap(400_000, 600_000, P),
        Gap(600_000, 1_000_000, O),
    ]
    assert explain(hole, [Stretch(700, 999_000)], 0, 15_000, 2_000_000) == [Gap(0, 1_000_000, P)]
    assert explain(hole, [], 0, 15_000, 1_000_000) == [Gap(0, None, O)], "one that reaches now lasts"


moments = st.integers(0, 10_000)
ranges = st.tuples(moments, moments).map(lambda pair: Stretch(min(pair), max(pair)))


@given(ranges, st.lists(ranges, max_size=6), moments, st.integers(0, 500))
def test_the_pieces_cover_the_hole_exactly_and_neighbours_differ(
    hole: Stretch, pauses: list[Stretch], floor: int, limit: int
) -> None:
    gaps = explain([hole], pauses, floor, limit, 20_000)
    if hole.start_ms == hole.end_ms:
        assert not gaps
        return
    assert gaps[0].start_ms == hole.start_ms and gaps[-1].end_ms == hole.end_ms
    for before, after in zip(gaps, gaps[1:], strict=False):
        assert before.end_ms == after.start_ms and before.reason is not after.reason
