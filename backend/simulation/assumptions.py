"""Figures that no real data set at hand gives: plain assumptions about a city programme, to be replaced
by measurements where a city has them."""

from backend.simulation.draws import QuantileTable, choice_of, even_table

# Share of the residents who bind each partner.
BOUND_SHARE = {"metro": 0.45, "bus": 0.40, "bikes": 0.45, "recycling": 0.25, "steps": 0.40, "charging": 0.06}

# When residents join, as a share of the city's days: most at the start, the others over the first half.
JOINING = QuantileTable((0.0, 0.6, 1.0), (0.0, 0.0, 0.5))

# Share of weekdays on which a person who bound the partner rides, and how often on such a day. On a weekend
# day the share is multiplied by the last figure.
METRO_DAY_SHARE = even_table(0.05, 0.25, 0.50, 0.75, 0.95)
BUS_DAY_SHARE = even_table(0.03, 0.15, 0.30, 0.50, 0.90)
RIDES_A_DAY = choice_of({1: 0.20, 2: 0.72, 3: 0.05, 4: 0.03})
WEEKEND_FACTOR = 0.6

# Gate to gate. A bus card is tapped on boarding only, so a bus ride lasts as long as a metro ride.
METRO_SPEED_KMH = even_table(24, 34)
BUS_SPEED_KMH = even_table(12, 22)
METRO_HOURS = (6, 23)
BUS_HOURS = (5, 23)

# Drop-offs: chance a day by how keen the person is, cartons at once, grams of clothes at once.
CARTON_DAY_SHARE = even_table(0.02, 0.06, 0.20)
CLOTHES_DAY_SHARE = even_table(0.005, 0.015, 0.03)
CARTONS = choice_of({1: 0.55, 2: 0.25, 3: 0.12, 4: 0.05, 6: 0.03})
CLOTHES_G = even_table(600, 1500, 2500, 4000, 6500, 20000)
DROP_OFF_SECONDS = 120

# Charging: chance a day, Wh at once, and the charger's power.
CHARGE_DAY_SHARE = even_table(0.10, 0.25, 0.45)
CHARGE_WH = even_table(4000, 14000, 22000, 32000, 62000)
CHARGER_W = choice_of({7000: 0.7, 60000: 0.3})

# Hours in which people drop off, charge, and declare.
WAKING_HOURS = (7, 21)

# Declarations: share of the residents who make any, chance a day by how keen, and what they declare.
DECLARING_SHARE = 0.30
DECLARATION_DAY_SHARE = even_table(0.02, 0.06, 0.30)
SAID_TWICE_SHARE = 0.01
DECLARED = choice_of(
    {
        ("clean_plate", "photo"): 18.0,
        ("clean_plate", "declaration"): 12.0,
        ("own_bag", "declaration"): 12.0,
        ("own_bag", "photo"): 8.0,
        ("own_cup", "declaration"): 10.0,
        ("own_cup", "photo"): 5.0,
        ("waste_sorting", "photo"): 8.0,
        ("green_quiz", "declaration"): 12.0,
        ("e_office", "declaration"): 5.0,
        ("double_sided", "declaration"): 4.0,
        ("hazard_report", "photo"): 1.5,
        ("bike_ride", "declaration"): 3.0,
        ("bus_ride", "declaration"): 3.0,
    }
)
# Share of the people who bound the bikes and also declare one of the rides that the partner reports.
TOLD_TWICE_SHARE = 0.03

# Gifts: share of the residents who redeem, how many at most, and the share of these who ask for too much.
REDEEMING_SHARE = 0.40
REDEMPTIONS_AT_MOST = choice_of({1: 0.5, 2: 0.3, 3: 0.15, 4: 0.05})
OVERREACHING_SHARE = 0.03
# Points a person makes a day through each partner, on the low side, so that most wishes can be granted.
POINTS_A_DAY = {"metro": 18.0, "bus": 7.0, "bikes": 1.5, "recycling": 0.8, "steps": 15.0, "charging": 15.0}
