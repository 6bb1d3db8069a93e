"""SQL that the screen's tables share: weights of days, and what each version of the rules makes of an action."""

from backend.catalogue.rules import TIERS
from backend.leaderboard.periods import STARTS
from backend.outbox import PARTITIONS
from backend.verification.fingerprints import MASK, PRIME, day_number, weight, weight_of_text

_YEAR = weight("extract(year FROM day)::int", salt="year")
_PERIOD = weight_of_text("p.period", day_number("p.starts_on"), salt="period")
DAYS = f"""
days AS MATERIALIZED (
    SELECT array_agg(scores ORDER BY day) AS scores, array_agg({_YEAR} ORDER BY day) AS years,
        array_agg((scores + %(lifetime_weight)s) %% {PRIME} ORDER BY day) AS whole,
        array_agg(day::timestamp AT TIME ZONE %(zone)s ORDER BY day) AS begins_at
    FROM (
        SELECT d::date AS day, (sum({_PERIOD}) %% {PRIME})::bigint AS scores
        FROM generate_series(timestamp '2000-01-01', %(last_day)s::timestamp, interval '1 day') AS d
        CROSS JOIN LATERAL {STARTS.format(day="d::date")} AS p (period, starts_on)
        GROUP BY d) AS each_day)
"""  # noqa: S608  the parts are ours
"""Arrays by day number: what a day weighs in all periods together (as `whole`, with the resident's lifetime) and in its
year, and the instant at which it begins in the city. One row, so that a look-up costs no join. Actions of days that are
not in them are differences."""


def tier_number(tier: str) -> str:
    """SQL: an evidence tier as a small number, so that joins need not compare texts."""
    return f"CASE {tier} " + " ".join(f"WHEN '{name}' THEN {place}" for place, name in enumerate(TIERS)) + " END"


def judged_by(version: str, tier: str, methodology: str) -> str:
    """SQL: task version, evidence tier and methodology in one number."""
    return f"((({version})::bigint * 8 + {tier_number(tier)}) << 32) + coalesce({methodology}, 0)"


def quantified_by(baseline: str, project: str) -> str:
    """SQL: both factor versions in one number."""
    return f"(coalesce({baseline}, 0)::bigint << 32) + coalesce({project}, 0)"


_WORTH = """
    CASE t.basis WHEN 'fixed' THEN t.points ELSE 0 END AS fixed,
    CASE t.basis WHEN 'quantity' THEN t.points ELSE 0 END AS by_quantity,
    CASE t.basis WHEN 'quantity' THEN t.per * 1000 ELSE 1 END AS per_milli,
    CASE t.basis WHEN 'co2e' THEN t.points ELSE 0 END AS by_co2e,
    CASE t.basis WHEN 'co2e' THEN t.per ELSE 1 END AS per_mg,
    coalesce(t.min, 0) AS least, coalesce(t.max, 9000000000000000) AS most,
    coalesce(t.share_percent, 100) AS share_percent
"""
_STEPS = 100
_PLAUSIBLE = f"""
    (v.quantity_min * 1000)::bigint AS from_milli, q.to_milli, q.step_milli, t.tier = 'partner' AS by_partner, v.trip,
    coalesce(make_interval(secs => v.max_duration_s), make_interval(hours => 9999999)) AS longest, q.metres_an_hour,
    CASE WHEN v.trip THEN ARRAY(
        SELECT make_interval(secs => CASE WHEN q.metres_an_hour IS NULL THEN 0
            ELSE LEAST(ceil(n * q.step_milli * 3.6 / NULLIF(q.metres_an_hour, 0)), 1e9) END::float8)
        FROM generate_series(1, {_STEPS}) AS n ORDER BY n) END AS slow
"""  # noqa: S608  the parts are ours
"""`slow`: in how many whole seconds the end of each step towards `to_milli` is reached at the highest speed."""
RULES = f"""
rules AS MATERIALIZED (
    SELECT {judged_by("v.id", "t.tier", "m.id")} AS judged_by, {quantified_by("b.id", "p.id")} AS quantified_by,
        v.task_id, {weight_of_text("t.tier", salt="tier")} AS tier_weight, f.net_mg,
        coalesce((v.counted_max * 1000)::bigint, 9000000000000000000) AS counted_max_milli, v.counted_max,
        {_PLAUSIBLE},
        (f.net_mg * 1000000)::bigint AS net_micro,
        CASE WHEN f.net_mg > 0 THEN LEAST(trunc(9e12 / f.net_mg), 9e18) ELSE 9e18 END::bigint AS fits_milli,
        coalesce(GREATEST(b.valid_from, p.valid_from), '-infinity') AS valid_from,
        coalesce(LEAST(b.valid_to, p.valid_to), 'infinity') AS valid_to, {_WORTH}
    FROM task_versions v
    CROSS JOIN LATERAL jsonb_to_recordset(v.evidence)
        AS t (tier text, basis text, points bigint, per bigint, min bigint, max bigint, share_percent bigint,
            quantity_max numeric)
    LEFT JOIN methodologies m ON m.code = v.methodology
    LEFT JOIN emission_factors b ON b.code = m.baseline_factor
    LEFT JOIN emission_factors p ON p.code = m.project_factor
    CROSS JOIN LATERAL (
        SELECT to_milli, to_milli / {_STEPS} + 1 AS step_milli, trunc(v.max_speed_kmh * 1000) AS metres_an_hour
        FROM (SELECT LEAST((v.quantity_max * 1000)::bigint, trunc(t.quantity_max * 1000)::bigint)) AS m (to_milli)) AS q
    CROSS JOIN LATERAL (SELECT GREATEST(0, coalesce(b.value_mg, 0) - coalesce(p.value_mg, 0)) AS net_mg) AS f
    WHERE v.methodology IS NULL OR (b.id IS NOT NULL AND (p.id IS NOT NULL) = (m.project_factor IS NOT NULL)))
"""  # noqa: S608  the parts are ours
"""Every way in which an action can rightly have been judged: a version of a task, a tier that it accepts, versions of a
methodology of that code and of the factors that it names. The same as catalogue.rules and emissions.rules say."""

_GRAMS = """
    CASE WHEN z.milli < r.fits_milli THEN LEAST(z.milli, r.counted_max_milli) * r.net_micro / 1000000000
        ELSE trunc(LEAST(z.quantity, r.counted_max) * r.net_mg)::bigint END
"""
"""floor(quantity that counts × net factor), in milligrams; in bigint where it fits, which is several times faster."""
_POINTS = """
    LEAST(GREATEST(r.fixed + CASE r.by_quantity WHEN 0 THEN 0
            ELSE LEAST(z.milli, r.counted_max_milli) * r.by_quantity / r.per_milli END
        + CASE r.by_co2e WHEN 0 THEN 0 ELSE z.co2e_mg * r.by_co2e / r.per_mg END, r.least), r.most)
    * r.share_percent / 100
"""
"""What the evidence rule makes of it, before any cap."""
_IS_PLAUSIBLE = """
    z.milli >= r.from_milli AND z.milli <= r.to_milli AND (z.partner_id IS NOT NULL OR NOT r.by_partner)
    AND CASE WHEN r.trip THEN z.ended_at > z.happened_at AND z.ended_at <= z.happened_at + r.longest
        AND (z.ended_at >= z.happened_at + r.slow[z.milli / r.step_milli + 1]
            OR z.milli * 3.6 <= r.metres_an_hour * extract(epoch FROM z.ended_at - z.happened_at)) ELSE TRUE END
"""
"""What nothing is recorded without: the same as actions.rules says. Times are compared, which costs a quarter of
reckoning with them; only who was nearly as fast as the task allows is looked at exactly."""
_NUMBER = day_number("z.local_day")
AGREES = f"""
    z.seq > 0 AND z.task_id = r.task_id AND {_IS_PLAUSIBLE} AND z.local_day >= r.valid_from AND z.local_day < r.valid_to
    AND z.happened_at >= (SELECT begins_at FROM days)[{_NUMBER}]
    AND z.happened_at < (SELECT begins_at FROM days)[{_NUMBER} + 1]
    AND CASE WHEN z.status IN ('credited', 'reversed') THEN z.co2e_mg = {_GRAMS}
        AND CASE WHEN z.capped_by IS NULL THEN z.points = {_POINTS} ELSE z.points < {_POINTS} AND z.points >= 0 END
        ELSE z.co2e_mg = 0 AND z.points = 0 END
"""  # noqa: S608  the parts are ours
"""SQL: whether an action `z` is what the rules `r` make of it; NULL where there are no such rules."""

CITY_DAY = "({instant} AT TIME ZONE %(zone)s)::date"
TOTAL = f"({{place}} * {{tier}} %% {PRIME})"
"""SQL: the weight of a day, task, district and tier."""
PARTITION = f"(hashint8extended({{partition}}, %(partition_salt)s) & {MASK})"
OWN_PARTITION = PARTITION.format(partition=f"resident_id %% {PARTITIONS}")
