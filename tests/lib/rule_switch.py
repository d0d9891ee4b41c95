# SPDX-License-Identifier: Apache-2.0
"""Sales and switches: those words of the rules' tables, over HTTP."""

from tests.lib.rule_call import Call
from tests.lib.rule_tables import Seen, duration


class Switches:
    """What a merchant stops and opens; `switched` are the scopes to be lifted at the end."""

    def __init__(self):
        self.switched = []

    def lift(self):
        for scope in self.switched:
            reply = self.back_office.post("/admin/v1/resume", {"scope": scope})
            assert reply.status == 200, reply

    def do_sale(self, line):
        times = {"starts_at": line.option("starts"), "ends_at": line.option("ends")}
        lengths = {"hold_seconds": line.option("hold"),
                   "payment_seconds": line.option("pay_within"),
                   "review_seconds": line.option("review_within")}
        body = {name: self.time(value) for name, value in times.items() if value}
        body.update({name: duration(value) // 1000 for name, value in lengths.items() if value})
        names = {"reserve_on": line.option("reserve_on"), "payment_mode": line.option("mode"),
                 "counts": line.option("counts")}
        body.update({name: value for name, value in names.items() if value})
        maximum, guests = line.option("max"), line.option("guests")
        if maximum:
            body["max_per_customer"] = int(maximum)
        if guests:
            body["guests"] = guests != "refused"

        def see(reply):
            return Seen("created" if reply.status == 201 else "updated",
                        fields={"version": reply.json["version"]})
        return Call("PUT", f"/admin/v1/sales/{self.own(line.word())}", body, see=see, admin=True)

    def do_remove(self, line):
        version = line.option("if")
        headers = {"If-Match": f'"{self.kept[version]}"'} if version else {}

        sale = self.own(line.word())

        def see(reply):
            assert reply.status == 204, reply
            self.forget(sale)
            return Seen("removed")
        return Call("DELETE", f"/admin/v1/sales/{sale}", headers=headers, see=see, admin=True)

    def forget(self, sale):
        """What left with a sale is not looked at, and not opened, at the end."""
        gone = [sku for sku in self.skus
                if self.back_office.get(f"/admin/v1/stock/{sku}").status == 404]
        self.skus = [sku for sku in self.skus if sku not in gone]
        scopes = [f"sale:{sale}"] + [f"sku:{sku}" for sku in gone]
        self.switched = [one for one in self.switched if one not in scopes]

    def switch(self, action, line):
        scope = line.word()
        is_all = scope == "all"
        if not is_all:
            scope = f"{scope}:{self.own(line.word())}"

        def see(reply):
            self.switched = [one for one in self.switched if one != scope]
            self.switched += [scope] if reply.json["state"] != "open" else []
            fields = {name: reply.json.get(name) for name in ("state", "released", "cancelled")}
            return Seen(fields["state"], fields={"state": fields["state"]} if is_all else fields)
        return Call("POST", f"/admin/v1/{action}", {"scope": scope}, see=see, admin=True)

    def do_pause(self, line):
        return self.switch("pause", line)

    def do_freeze(self, line):
        return self.switch("freeze", line)

    def do_kill(self, line):
        return self.switch("kill", line)

    def do_resume(self, line):
        return self.switch("resume", line)
