"""`models.lowering.strips`: pieces for a cache, and a graph that is larger by them alone."""

from config_strategies import configs
from hypothesis import given
from hypothesis import strategies as st

from models.config import MobileSRConfig
from models.lowering.direct.network import write_network
from models.lowering.direct.strips import channel_parts
from models.lowering.strips import StripPlan, plan_for, whole
from models.weights import build_model

sides = st.integers(1, 400)
PUBLISHED = MobileSRConfig()


@given(configs(), sides, sides, st.integers(0, 2**24))
def test_every_piece_holds_something_and_none_more_than_there_is(config, height, width, room):
    plan, everything = plan_for(config, height, width, room), whole(config, height, width)
    assert 1 <= plan.window_rows <= everything.window_rows
    assert 1 <= plan.windows <= everything.windows
    assert 1 <= plan.tail_rows <= height


@given(configs(), sides, sides, st.integers(1, 2**22))
def test_more_cache_never_makes_smaller_strips(config, height, width, room):
    small, large = (plan_for(config, height, width, room * factor) for factor in (1, 4))
    assert small.window_rows <= large.window_rows
    assert small.tail_rows <= large.tail_rows


def test_small_pictures_stay_whole_and_large_ones_do_not():
    room = 3 * 2**20
    assert plan_for(PUBLISHED, 24, 24, room) == whole(PUBLISHED, 24, 24)
    large = plan_for(PUBLISHED, 180, 320, room)
    assert large.window_rows < whole(PUBLISHED, 180, 320).window_rows
    assert plan_for(PUBLISHED, 180, 320, 0) == whole(PUBLISHED, 180, 320)


@given(st.integers(1, 200))
def test_parts_of_channels_are_all_channels_and_a_small_rest_stands_alone(channels):
    parts = channel_parts(channels)
    assert [c for part in parts for c in range(channels)[part]] == list(range(channels))
    assert (len(parts) == 2) == (channels > 32 and 0 < channels % 32 <= 16)


def test_strips_and_passes_share_their_weights(random_weights):
    """Constants are told apart by content: the file does not grow with the number of strips."""
    config = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1), window_size=4)
    twice = config.model_copy(update={"body_passes": 2})
    graphs = [
        write_network(build_model(one, random_weights(one)), 16, 16, plan)
        for one, plan in (
            (config, whole(config, 16, 16)),
            (config, StripPlan(1, 2, 3)),
            (twice, whole(config, 16, 16)),
        )
    ]
    sizes = [sum(map(len, graph.blobs.values())) for graph in graphs]
    assert sizes[0] == sizes[1] == sizes[2]
    assert len(graphs[0].nodes) < len(graphs[2].nodes) < len(graphs[1].nodes)
