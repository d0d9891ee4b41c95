# SPDX-License-Identifier: Apache-2.0
"""What replies of the API show, as the names and values that the rules' tables speak of."""

from tests.lib.rule_tables import Seen

STATUS_OF_CODE = {
    400: "malformed idempotency_key_missing idempotency_key_invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "sold_out insufficient held_by_others limit_exceeded lines_refused price_changed "
         "sale_not_started cart_empty invalid_transition payment_mismatch payment_id_used "
         "refund_required risk_declined version_conflict",
    410: "sale_ended reservation_expired archived",
    412: "stale_version",
    422: "invalid unknown_sku idempotency_key_reused currency_mismatch too_many_lines "
         "quantity_too_large card_number_refused",
    429: "rate_limited",
    503: "paused overloaded capacity_exhausted journal_full recovering unconfirmed",
}
STATUSES = {code: status for status, codes in STATUS_OF_CODE.items() for code in codes.split()}
PLAIN = ("available", "limit", "used", "allotment", "held", "sold", "bound", "value",
         "items_total", "total", "refund_due", "order_status", "version")


def reasons(shop, line):
    return {"available": line.get("available"), "limit": line.get("limit"),
            "used": line.get("used"), "next_release_in": shop.until(line.get("next_release_at")),
            "starts_in": shop.until(line.get("starts_at"))}


def kept_fields(shop, problem):
    """Why a sale is not removed."""
    kept = problem["kept_by"]
    return {"not_final": kept["orders_not_final"], "not_streamed": kept["orders_not_streamed"],
            "shared": kept["orders_shared"], "held": kept["reservations"],
            "removable_in": shop.until(problem["removable_at"])}


def refusal(shop, reply, line):
    """An error: its code, its status, and all it tells."""
    problem = reply.json
    code = problem["code"]
    if problem["status"] != reply.status or STATUSES.get(code) != reply.status:
        line.fail(f"status {reply.status} with code {code}")
    lines = problem.get("lines", [])
    fields = {name: problem.get(name) for name in PLAIN}
    fields.update(reasons(shop, problem))
    fields["refused"] = len(lines)
    if "allotment" in problem:
        fields["short"] = problem.get("short", 0)
    if "kept_by" in problem:
        fields.update(kept_fields(shop, problem))
    if "order_id" in problem:
        fields["order"] = shop.order_name(problem["order_id"])
    for failing in lines:
        sku = shop.bare(failing["sku"])
        fields[sku] = failing["code"]
        fields.update({f"{sku}.{name}": value for name, value in reasons(shop, failing).items()})
    return Seen(code, success=False, fields=fields)


def cart_line(line):
    if line is None:
        return {}
    reservation = line["reservation"]
    return {"quantity": line["quantity"], "unit_price": line["unit_price"],
            "line_total": line["line_total"], "expires_in": reservation["expires_in_ms"],
            "extensions_left": reservation["extensions_left"]}


def dropped_fields(shop, merged):
    """Of a merge: how many entries the list has, and for each how many units went for what."""
    dropped = merged["dropped"]
    return {"dropped": len(dropped), **{f"{shop.bare(line['sku'])}.{line['code']}":
                                        line["quantity"] for line in dropped}}


def order_fields(shop, order):
    names = ("status", "total", "items_total", "paid", "refund_due", "version", "currency")
    fields = {name: order[name] for name in names}
    fields["customer"] = shop.bare(order["customer"])
    fields["reclaimed"] = "yes" if order["reclaimed"] else "no"
    fields["payment_due_in"] = shop.until(order["payment_due_at"])
    fields["cancel_within"] = shop.until(order["cancel_until"])
    fields["adjustments"] = len(order["adjustments"])
    for sent in order["adjustments"]:
        fields[sent["kind"]] = fields.get(sent["kind"], 0) + sent["amount"]
    fields["lines"] = len(order["lines"])
    for line in order["lines"]:
        number = line["line"]
        fields[f"{number}.sku"] = shop.bare(line["sku"])
        fields[f"{number}.sale"] = shop.bare(line["sale"]) if line["sale"] else None
        for name in ("quantity", "cancelled", "unit_price", "line_total"):
            fields[f"{number}.{name}"] = line[name]
    return fields


def product_fields(shop, page):
    fields = {name: page[name] for name in ("status", "available", "price", "currency", "version")}
    fields["max"] = page["max_per_customer"]
    fields["starts_in"] = shop.until(page["starts_at"])
    fields["ends_in"] = shop.until(page["ends_at"])
    return {**fields, **page["prices"]}
