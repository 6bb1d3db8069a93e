"""Comparing boards in Redis with PostgreSQL, resident by resident, memory flat."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

import psycopg

from backend import redis
from backend.leaderboard import epochs, locks
from backend.leaderboard.boards import MEMBERSHIP, Board
from backend.leaderboard.filling import COLUMN
from backend.leaderboard.reach import reaching
from backend.leaderboard.scores import SCORE
from backend.leaderboard.scripts import READY
from backend.leaderboard.writing import live
