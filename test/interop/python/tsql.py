"""Reads a request from standard input and answers with one JSON value: what a grammar finds in its statements, or the
rows that a server gives for them."""

import json
import sys
from datetime import datetime

import pytds
import sqlglot
from pytds.tds_base import Param
from pytds.tds_types import DateTime2Type, VarCharType
from sqlglot import exp


def parse(statement):
    try:
        [tree] = sqlglot.parse(statement, read="tsql", error_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        return {"error": str(error)}
    return {
        "kind": tree.key,
        "tables": sorted({table.name for table in tree.find_all(exp.Table)}),
        "parameters": sorted({parameter.name for parameter in tree.find_all(exp.Parameter)}),
    }


def bound(name, value):
    """As the product binds: a moment has the form of ISO 8601, all else is text."""
    if isinstance(value, dict):
        moment = datetime.fromisoformat(value["moment"])
        return Param(name=f"@{name}", type=DateTime2Type(precision=3), value=moment), f"@{name} datetime2(3)"
    length = max(40, len(value))
    return Param(name=f"@{name}", type=VarCharType(size=length), value=value), f"@{name} varchar({length})"


def ask(server, question):
    with pytds.connect(
        dsn="127.0.0.1",
        port=server["port"],
        user=server["user"],
        password=server["password"],
        database=question["database"],
        autocommit=True,
        timeout=20,
    ) as connection:
        parameters = [bound(name, value) for name, value in question["parameters"].items()]
        declarations = ", ".join(declaration for _, declaration in parameters)
        with connection.cursor() as cursor:
            try:
                cursor.callproc(
                    "sp_executesql", [question["statement"], declarations, *[parameter for parameter, _ in parameters]]
                )
            except pytds.Error as error:
                return {"error": str(error)}
            names = [column[0] for column in cursor.description]
            return {"rows": [dict(zip(names, row)) for row in cursor.fetchall()]}


request = json.load(sys.stdin)
if "statements" in request:
    answer = [parse(statement) for statement in request["statements"]]
else:
    answer = [ask(request["server"], question) for question in request["questions"]]
json.dump(answer, sys.stdout)
