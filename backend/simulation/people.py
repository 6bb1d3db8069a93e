"""Who lives in the simulated city: invented residents, each the same whatever the size of the city."""

from dataclasses import dataclass

from backend.simulation.assumptions import BOUND_SHARE, JOINING
from backend.simulation.draws import choice_of, seeded
from backend.simulation.records import SimulatedResident

PARTNERS = tuple(BOUND_SHARE)

_DISTRICTS = choice_of(
    {
        ("hehua", ("xiyuan", "dongmen", "yinxing", "shuixie", "lanting", "hexi")): 5.0,
        ("qinglan", ("zhulin", "beijie", "cuihu", "fenglin", "meiyuan")): 4.5,
        ("yunling", ("songtao", "nanpo", "baihua", "shiqiao", "guifang")): 4.0,
        ("liuxi", ("matou", "xinhe", "taoyuan", "huaishu")): 3.0,
        ("jinsha", ("gaotai", "donghu", "malan", "chaoyang")): 2.5,
        ("baiyang", ("laojie", "xingfu", "yushan", "tanxi")): 2.0,
    }
)
_NOUNS = (
    *("heron", "maple", "lotus", "otter", "willow", "magpie", "bamboo", "sparrow", "cedar", "plum"),
    *("crane", "ginkgo", "carp", "orchid", "swallow", "reed", "finch", "camellia", "turtle", "pine"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A resident with the traits that shape a life in the city.

    `joined` is a share of the city's days; `keenness` gives a rank from 0 to 1 for each bound partner.
    """

    resident: SimulatedResident
    joined: float
    keenness: dict[str, float]


def person(seed: int, number: int) -> Person:
    """The resident of that number (from 1) in the city of that seed."""
    draw = seeded(seed, number, "person").random
    district, communities = _DISTRICTS.at(draw())
    community = communities[int(draw() * len(communities))]
    noun = _NOUNS[int(draw() * len(_NOUNS))]
    joined = JOINING.at(draw())
    # Two draws for every partner, bound or not, so that changing one share leaves the others as they are.
    ranks = {partner: (draw(), draw()) for partner in PARTNERS}
    keenness = {partner: rank for partner, (luck, rank) in ranks.items() if luck < BOUND_SHARE[partner]}
    resident = SimulatedResident(
        number=number,
        nickname=f"sim-{noun}-{number:04d}",
        district=f"sim-{district}",
        community=f"sim-{district}-{community}",
        subjects={partner: f"sim-{partner}-{number:06d}" for partner in keenness},
    )
    return Person(resident=resident, joined=joined, keenness=keenness)
