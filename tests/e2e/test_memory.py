# SPDX-License-Identifier: Apache-2.0
"""Memory is fixed: what is resident after start is resident after load."""

import json
import threading

from tests.lib.server import eventually

GROWTH_KIB_MAX = 64


def load(server, turns):
    """Eight threads of customers: reads, carts, checkouts, refusals, bad requests."""

    def shop(number):
        for turn in range(turns):
            ann = server.service(f"load-{number}-{turn}")
            ann.client.get("/v1/availability?skus=S1,S2,NONE")
            ann.client.get("/v1/products?limit=50")
            ann.put("S1", 2)
            ann.checkout()
            ann.checkout({"S2": 1, "S1": 1}, payment={"mode": "deferred"})
            ann.checkout({"NONE": 1})
            ann.call("POST", "/v1/checkout", "{nonsense", key="x")
            ann.client.close()

    threads = [threading.Thread(target=shop, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_resident_memory_after_load_is_what_it_was_after_start(new_server, database):
    server = new_server(shards=2, dsn=database.dsn).start()
    server.sell(S1=100000, S2=100000)
    after_start = server.resident_kib()
    load(server, 40)
    orders = server.stock("S1")["held"] // 2 + server.stock("S2")["sold"]
    assert orders >= 600
    assert eventually(lambda: database.value("SELECT count(*) FROM hotshelf.orders") == orders, 30)
    assert server.resident_kib() - after_start <= GROWTH_KIB_MAX
    load(server, 20)
    assert server.resident_kib() - after_start <= GROWTH_KIB_MAX


def test_the_bill_is_what_the_process_takes(new_server):
    """plan prints the exact bytes of every table, memory and disk in total."""
    server = new_server(shards=2)
    plan = server.run("plan", "--json")
    assert plan.returncode == 0, plan.stderr
    bill = json.loads(plan.stdout)
    text = server.run("plan").stdout
    assert "orders" in text and "bytes" in text
    server.start()
    total = bill["memory"]["bytes"]
    taken = server.status_kib("VmRSS") * 1024
    assert 0.5 * taken <= total <= 1.2 * taken, (total, taken)
    on_disk = sum(path.stat().st_blocks * 512 for path in server.data.rglob("*") if path.is_file())
    assert 0.9 * on_disk <= bill["disk"]["bytes"] <= 1.1 * on_disk + 65536
