"""A Query on the local stack that begins at its place answers as one that looks at all of its partition.

It runs in the emulator's own environment.
"""

from collections.abc import Callable

BOTH_WAYS = """
import itertools, json, random
from local import emulator

dynamodb = emulator.dynamodb
names = {"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}
dynamodb._create_table({
    "TableName": "people", "KeySchema": list(names), "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
})
chance = random.Random(1)
for n in chance.sample(range(1_000), 300):
    item = {"PK": {"S": "p"}, "SK": {"S": f"{'ab'[n % 2]}{n:03}"}, "n": {"N": str(n)}, "text": {"S": "x" * 9_000}}
    dynamodb._put_item({"TableName": "people", "Item": item})

plain = dynamodb._query
emulator.LARGE_PARTITION = 10
emulator.begin_queries_at_their_place()
compared = 0
for condition, order, limit, kept in itertools.product(
    ("#0 = :0", "#0 = :0 AND begins_with(#1, :1)", "#0 = :0 AND #1 BETWEEN :1 AND :2"),
    (True, False), (None, 1, 7, 299, 300, 301, 5_000), (None, "#2 > :3"),
):
    values = {":0": {"S": "p"}, ":1": {"S": "a1"}, ":2": {"S": "b3"}, ":3": {"N": "400"}}
    request = {"TableName": "people", "KeyConditionExpression": condition, "ScanIndexForward": order}
    request |= {"FilterExpression": kept} if kept else {}
    request |= {"Limit": limit} if limit else {}
    text = condition + (kept or "")
    request["ExpressionAttributeValues"] = {name: one for name, one in values.items() if name in text}
    attributes = {"#0": "PK", "#1": "SK", "#2": "n"}
    request["ExpressionAttributeNames"] = {name: one for name, one in attributes.items() if name in text}
    while True:
        answers = [json.loads(way(dict(request))[2]) for way in (plain, dynamodb._query)]
        assert "Items" in answers[0], answers[0]
        assert answers[0] == answers[1], (request, [len(answer.get("Items", ())) for answer in answers])
        compared += 1
        if not answers[0].get("LastEvaluatedKey"):
            break
        request["ExclusiveStartKey"] = answers[0]["LastEvaluatedKey"]
assert compared > 500, compared
assert len(dynamodb._tables["people"]["items"]["p"]) == 300
"""


def test_a_query_answers_the_same_wherever_it_begins(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(BOTH_WAYS)
