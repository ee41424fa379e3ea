"""What a user would do without the report: read the rows into memory, and ask scipy. Prints seconds and memory.

Its start, the imports, is part of it, as the start of Node.js is of the report.
"""

import resource
import sys
import time

start = time.perf_counter()

import pandas  # noqa: E402
from scipy import stats  # noqa: E402

url, table = sys.argv[1:]
if url.startswith("sqlite:"):
    import sqlite3

    connection = sqlite3.connect(url.removeprefix("sqlite:"))
else:
    import psycopg2

    connection = psycopg2.connect(url, options="-c timezone=UTC")
rows = pandas.read_sql(
    f"select p.*, a.actual from {table} p left join {table}_actuals a on a.prediction_id = p.id "
    "where p.timestamp >= '2026-11-01' and p.timestamp < '2026-11-15'",
    connection,
)
rows["timestamp"] = pandas.to_datetime(rows.timestamp, utc=True)
moment = pandas.Timestamp("2026-11-08", tz="UTC")
now, then = rows[rows.timestamp >= moment], rows[rows.timestamp < moment]
for column in [name for name in rows.columns if name.startswith("f") and name[1:].isdigit()]:
    stats.ks_2samp(now[column], then[column])
    stats.wasserstein_distance(now[column], then[column])
accuracy = (now.prediction == now.actual).mean()
seconds = time.perf_counter() - start
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"pandas.read_sql and scipy over the same rows: {seconds:.2f} s, {memory:.0f} MiB")
