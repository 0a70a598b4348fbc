"""Runs the shared script through PyPI's aetcd. Arguments: client URL, path of the script."""

import asyncio
import json
import re
import sys
from urllib.parse import urlparse

import aetcd

EVENTS_WITHIN_SECONDS = 20


def etcd_words(text):
    """etcd's own words in whatever the client made of an error."""
    words = re.search(r'etcdserver: [^"\n\\)]*', text)
    return words.group(0).strip() if words else text


class Driver:
    def __init__(self, client):
        self.client = client
        self.leases = {}
        self.names = {0: ""}
        self.watches = {}

    def kv(self, kv):
        return {
            "key": kv.key.decode(),
            "value": kv.value.decode(),
            "create": kv.create_revision,
            "mod": kv.mod_revision,
            "version": kv.version,
            "lease": self.names.get(kv.lease, "(unknown)"),
        }

    async def run(self, step):
        try:
            return await getattr(self, step["op"])(step)
        except Exception as error:  # an error of one step is its answer
            return {"error": etcd_words(str(error))}

    async def put(self, step):
        lease = step.get("lease")
        if isinstance(lease, str):
            lease = self.leases[lease].id
        response = await self.client.put(
            step["key"].encode(), step["value"].encode(), lease=lease, prev_kv=step.get("prev", False)
        )
        answer = {"revision": response.header.revision}
        if step.get("prev") and response.prev_kv is not None:
            answer["prev"] = self.kv(response.prev_kv)
        return answer

    async def get(self, step):
        for option in ("rev", "limit", "countOnly"):
            if option in step:
                return {"skipped": f"aetcd cannot ask for {option}"}
        if not step.get("prefix"):
            found = await self.client.get(step["key"].encode(), serializable=step.get("serializable", False))
            if found is None:
                return {"kvs": []}
            return {"revision": found.header.revision, "kvs": [self.kv(found)]}
        sort = step.get("sort")
        options = {"keys_only": step.get("keysOnly", False)}
        if sort:
            options["sort_target"] = sort[0].lower()
            options["sort_order"] = sort[1].lower()
        if step["key"] == "":
            found = await self.client.get_all(**options)
        else:
            found = await self.client.get_prefix(step["key"].encode(), **options)
        return {
            "revision": found.header.revision,
            "count": found.count,
            "more": found.more,
            "kvs": [self.kv(one) for one in found],
        }

    async def delete(self, step):
        if step.get("prefix"):
            response = await self.client.delete_prefix(step["key"].encode(), prev_kv=step.get("prev", False))
            answer = {"revision": response.header.revision, "deleted": response.deleted}
            if step.get("prev"):
                answer["prev"] = [self.kv(one) for one in response.prev_kvs]
            return answer
        response = await self.client.delete(step["key"].encode(), prev_kv=step.get("prev", False))
        if response is None:
            return {"deleted": 0}
        answer = {"revision": response.header.revision}
        if step.get("prev"):
            answer["prev"] = [self.kv(response.prev_kv)]
        return answer

    def compare(self, key, target, operator, value):
        transactions = self.client.transactions
        targets = {
            "VALUE": transactions.value,
            "VERSION": transactions.version,
            "CREATE": transactions.create,
            "MOD": transactions.mod,
        }
        left = targets[target](key.encode())
        right = value.encode() if isinstance(value, str) else value
        if operator == "=":
            return left == right
        if operator == "!=":
            return left != right
        return left < right if operator == "<" else left > right

    def operation(self, kind, key, value=""):
        transactions = self.client.transactions
        if kind == "put":
            return transactions.put(key.encode(), value.encode())
        return transactions.get(key.encode()) if kind == "get" else transactions.delete(key.encode())

    async def txn(self, step):
        succeeded, responses = await self.client.transaction(
            compare=[self.compare(*one) for one in step["if"]],
            success=[self.operation(*one) for one in step["then"]],
            failure=[self.operation(*one) for one in step["else"]],
        )
        answers = []
        for one in responses:
            if isinstance(one, list):
                answers.append({"get": [self.kv(kv) for _value, kv in one]})
            elif one.WhichOneof("response") == "response_delete_range":
                answers.append({"delete": one.response_delete_range.deleted})
            else:
                answers.append({"put": {}})
        return {"succeeded": succeeded, "responses": answers}

    async def grant(self, step):
        lease = await self.client.lease(step["ttl"])
        self.leases[step["lease"]] = lease
        self.names[lease.id] = step["lease"]
        return {"ttl": lease.ttl}

    async def keepAlive(self, step):
        return {"ttl": (await self.leases[step["lease"]].refresh()).TTL}

    async def timeToLive(self, step):
        info = await self.client.get_lease_info(self.leases[step["lease"]].id)
        return {"granted": info.grantedTTL, "keys": sorted(key.decode() for key in info.keys), "isAlive": info.TTL > 0}

    async def revoke(self, step):
        await self.leases[step["lease"]].revoke()
        return {}

    async def watch(self, step):
        start = self.client.watch_prefix if step.get("prefix") else self.client.watch
        watch = await start(step["key"].encode(), start_revision=step["rev"], prev_kv=step.get("prev", False))
        self.watches[step["name"]] = (watch, watch.__aiter__())
        return {}

    async def events(self, step):
        _watch, iterator = self.watches[step["name"]]
        events = []

        async def collect():
            while len(events) < step["count"]:
                event = await iterator.__anext__()
                one = {"type": str(event.kind), "kv": self.kv(event.kv)}
                if event.prev_kv is not None and event.prev_kv.version > 0:
                    one["prev"] = self.kv(event.prev_kv)
                events.append(one)

        try:
            await asyncio.wait_for(collect(), EVENTS_WITHIN_SECONDS)
        except asyncio.TimeoutError:
            pass
        return {"events": events}

    async def unwatch(self, step):
        await self.watches[step["name"]][0].cancel()
        return {}

    async def compact(self, step):
        await self.client.compact(step["rev"])
        return {}


async def main():
    url = urlparse(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        steps = json.load(file)
    async with aetcd.Client(host=url.hostname, port=url.port) as client:
        driver = Driver(client)
        for step in steps:
            print(json.dumps(await driver.run(step), ensure_ascii=False), flush=True)


asyncio.run(main())
