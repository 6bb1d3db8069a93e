"""Figures measured on real data, which the generator follows.

`tests/simulation/test_calibration.py` measures each of them again on the real files and compares; what
could not be measured there stands in `assumptions.py`. Four data sets, none of which is part of the project:

* Mobike: 51,248 shared-bike trips of 12,946 users, Shanghai, 1 to 20 August 2016.
* Fitbit: daily steps of 20 people, 567 days, 12 April to 12 May 2016.
* Shenzhen Tong: 10,000 metro and bus card taps, 31 August and 1 September 2018.
* Valleybike: 5,713 bike-share trips, Massachusetts, 2018 to 2021; a cross-check only, nothing is set by it.
"""

from backend.simulation.draws import QuantileTable, choice_of, even_table

_SHARES = (
    *(0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65),
    *(0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1.0),
)

# Mobike, `track_m` of all trips; a point more where the trips too short to count end.
BIKE_LENGTH_M = QuantileTable(
    (0.0, 0.01, 0.0148, *_SHARES[2:]),
    (
        *(125.5, 281, 300, 344, 504, 630, 745, 848, 953, 1041, 1143, 1253, 1370, 1506, 1648, 1812, 2001),
        *(2241, 2526, 2890, 3382, 4186, 5704, 8137, 9986, 11922, 16268, 31022, 101272),
    ),
)

# Mobike, track_m / duration_min in km/h, of the trips up to 25 km/h and 6 h; see below for the others.
BIKE_SPEED_KMH = QuantileTable(
    _SHARES,
    (
        *(0.05, 0.76, 1.52, 3.02, 4.44, 5.3, 5.95, 6.47, 6.92, 7.38, 7.76, 8.15, 8.52, 8.89, 9.25, 9.63),
        *(10.08, 10.46, 10.98, 11.57, 12.38, 13.6, 15.16, 16.27, 17.63, 21.13, 24.49, 24.82),
    ),
)

# Mobike: no trip is recorded as shorter than three minutes.
BIKE_SHORTEST_S = 180

# Mobike: rank correlation of length and speed among those same trips; longer trips are faster.
BIKE_LENGTH_SPEED_CORRELATION = 0.316

# Mobike: shares of trips that a check must refuse; the generator lets them happen, so that refusals are seen.
TOO_SHORT_SHARE = 0.0148  # under 300 m
TOO_FAST_SHARE = 0.00084  # over 25 km/h
TOO_LONG_SHARE = 0.00039  # over 6 h
OVERLAPPING_SHARE = 0.00026  # begins before the rider's trip before it, of trips not the rider's first that day

# Mobike: on how many of the 20 days a user rode (who rode at all), and how often on such a day.
BIKE_DAYS_OF_20 = choice_of(
    {
        1: 0.1906,
        2: 0.1920,
        3: 0.1947,
        4: 0.1632,
        5: 0.1185,
        6: 0.0742,
        7: 0.0385,
        8: 0.0175,
        9: 0.0069,
        10: 0.0032,
        11: 0.0004,
        12: 0.0003,
        13: 0.0002,
    }
)
BIKE_TRIPS_A_DAY = choice_of({1: 0.8449, 2: 0.1351, 3: 0.0175, 4: 0.0022, 5: 0.0002})

# Mobike: share of trips that start in each local hour. Used for every means of travel: the Shenzhen taps are
# a slice of one morning (94 % of the entries fall between 6 and 7), so they tell nothing about a day.
WEEKDAY_HOURS = (
    *(0.0080, 0.0046, 0.0031, 0.0018, 0.0018, 0.0048, 0.0223, 0.0698, 0.0984, 0.0509, 0.0300, 0.0305),
    *(0.0352, 0.0341, 0.0290, 0.0332, 0.0483, 0.1001, 0.1179, 0.0915, 0.0733, 0.0584, 0.0370, 0.0159),
)
WEEKEND_HOURS = (
    *(0.0137, 0.0095, 0.0063, 0.0024, 0.0020, 0.0044, 0.0146, 0.0258, 0.0442, 0.0491, 0.0452, 0.0440),
    *(0.0425, 0.0483, 0.0483, 0.0543, 0.0622, 0.0809, 0.0878, 0.0904, 0.0820, 0.0713, 0.0460, 0.0250),
)

# Shenzhen Tong, minutes from entry to exit: quantiles of the log-normal (2.75, 0.60), the likeliest for the
# entry-exit pairs of one card on the morning of 1 September, at two stations and over one minute apart (153).
# The likelihood is truncated: the sample ends at 06:46, and no ride still under way then can be in it.
METRO_MINUTES = QuantileTable(
    _SHARES,
    (
        *(2.2, 3.9, 4.6, 5.8, 7.3, 8.4, 9.4, 10.4, 11.4, 12.4, 13.4, 14.5, 15.6, 16.9, 18.2, 19.7),
        *(21.4, 23.4, 25.9, 29.1, 33.7, 42.0, 53.6, 63.2, 73.4, 99.9, 145.7, 161.5),
    ),
)

# Fitbit: a person's mean steps over the days that have any (quantiles of the 20 people), a day's steps as a
# multiple of that mean, and the share of a person's days without a step, which falls to those who walk least.
PERSON_MEAN_STEPS = even_table(1671, 4102, 4781, 5432, 6415, 7276, 7608, 8686, 9779, 11023, 12521)
DAY_TO_MEAN_STEPS = QuantileTable(
    _SHARES,
    (
        *(0.001, 0.006, 0.060, 0.199, 0.431, 0.517, 0.627, 0.722, 0.808, 0.881, 0.929, 0.971, 1.017, 1.054),
        *(1.086, 1.121, 1.174, 1.227, 1.291, 1.362, 1.489, 1.773, 2.110, 2.272, 2.488, 4.468, 6.091, 6.271),
    ),
)
ZERO_DAY_SHARE = even_table(*(0.0,) * 14, 0.010, 0.032, 0.076, 0.261, 0.335, 0.452, 0.452)
