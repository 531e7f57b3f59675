"""GET /api/consumption/{user_id} as a FastAPI program of one process would have it: the same work, the same body.

A verified token, the answer from Redis, else from PostgreSQL (the statements of ours, prepared) and kept in Redis.
Settings come from the environment: DATABASE_URL (past PgBouncer, which forbids prepared statements), REDIS_URL,
JWT_SECRET, FROM and TO (the default range), KNOWN_FROM, POOL.
"""

import hashlib
import os
from contextlib import asynccontextmanager
from datetime import date, datetime

import asyncpg
import jwt
import orjson
import redis.asyncio as redis
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

FROM, TO = date.fromisoformat(os.environ["FROM"]), date.fromisoformat(os.environ["TO"])
KNOWN_FROM = os.environ["KNOWN_FROM"]
SECRET = os.environ["JWT_SECRET"]
KEPT_FOR_S = 60
REVOKED: set[str] = set()

METERS = """select m.id, m.kind, m.number, m.police, l.role from meter_link l join meter m on m.id = l.meter_id
where l.account_id = $1 and l.state = 'accepted' order by l.created_at, m.id"""
STATES = "select meter_id, read_at, whole_history_at from meter_reading_state where meter_id = any($1::uuid[])"
ENTRIES = """select meter_id, day, amount_xof, (energy_kwh * 1000)::bigint as energy_wh from consumption_entry
where meter_id = any($1::uuid[]) and day >= $2 and day < $3 order by day"""


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=int(os.environ["POOL"]))
    app.state.redis = redis.from_url(os.environ["REDIS_URL"])
    yield
    await app.state.pool.close()
    await app.state.redis.aclose()


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer()


def actor(credentials: HTTPAuthorizationCredentials = Depends(bearer)) -> dict:
    try:
        claims = jwt.decode(
            credentials.credentials,
            SECRET,
            algorithms=["HS256"],
            issuer="samaconso",
            options={"require": ["sub", "sid", "role", "exp"]},
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    if claims["sid"] in REVOKED:
        raise HTTPException(401)
    return claims


@app.get("/api/consumption/{user_id}")
async def consumption(user_id: str, request: Request, claims: dict = Depends(actor)) -> Response:
    if claims["sub"] != user_id:
        raise HTTPException(404)
    state = request.app.state
    key = f"peer:{user_id}:{FROM}:{TO}:month"
    kept = await state.redis.get(key)
    if kept is not None:
        etag, body = kept.split(b"\n", 1)
        return answer(body, etag.decode(), "HIT")
    body = orjson.dumps(await compute(state.pool, user_id))
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    await state.redis.set(key, etag.encode() + b"\n" + body, ex=KEPT_FOR_S)
    return answer(body, etag, "MISS")


def answer(body: bytes, etag: str, status: str) -> Response:
    headers = {"etag": etag, "x-cache": status, "cache-control": "private, max-age=0, must-revalidate"}
    return Response(body, media_type="application/json", headers=headers)


def months() -> list[tuple[date, date]]:
    found, start = [], FROM
    while start < TO:
        end = date(start.year + start.month // 12, start.month % 12 + 1, 1)
        found.append((start, min(end, TO)))
        start = end
    return found


async def compute(pool: asyncpg.Pool, user_id: str) -> dict:
    async with pool.acquire() as connection:
        meters = await connection.fetch(METERS, user_id)
        ids = [meter["id"] for meter in meters]
        states = {row["meter_id"]: row["read_at"] for row in await connection.fetch(STATES, ids)}
        entries = await connection.fetch(ENTRIES, ids, FROM, TO)
    listed = [of_meter(meter, [row for row in entries if row["meter_id"] == meter["id"]]) for meter in meters]
    as_of = {kind: oldest([states[m["id"]] for m in meters if m["kind"] == kind]) for kind in ("prepaid", "postpaid")}
    return {
        "user_id": user_id,
        "from": FROM,
        "to": TO,
        "group_by": "month",
        "known_from": KNOWN_FROM,
        "unit": "kWh",
        "currency": "XOF",
        "meters": listed,
        "energy_kwh": sum(row["energy_wh"] for row in entries) / 1000,
        "amount_xof": sum(row["amount_xof"] for row in entries),
        "as_of": oldest([states[meter["id"]] for meter in meters]),
        "stale": False,
        "sources": [
            {"name": "sic", "status": "not_needed", "as_of": as_of["prepaid"]},
            {"name": "postpaid", "status": "not_needed", "as_of": as_of["postpaid"]},
        ],
    }


def of_meter(meter: asyncpg.Record, entries: list[asyncpg.Record]) -> dict:
    periods = []
    for start, end in months():
        inside = [row for row in entries if start <= row["day"] < end]
        energy_wh = sum(row["energy_wh"] for row in inside)
        amount_xof = sum(row["amount_xof"] for row in inside)
        periods.append({"start": start, "end": end, "energy_kwh": energy_wh / 1000, "amount_xof": amount_xof})
    return {
        "meter_id": str(meter["id"]),
        "number": meter["number"],
        "kind": meter["kind"],
        "role": meter["role"],
        "periods": periods,
        "energy_kwh": sum(row["energy_wh"] for row in entries) / 1000,
        "amount_xof": sum(row["amount_xof"] for row in entries),
    }


def oldest(moments: list[datetime]) -> str | None:
    return min(moments).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moments else None
