// Who may give or take which role, and what stands in an invitation's link.
import { expect, test } from "vitest";
import { confirmationOf, invitationOf, mayChange, rolesUpTo } from "../src/lib/roles";

test("nobody gives or takes a role above their own, and only owners and admins any", () => {
  expect(rolesUpTo("owner")).toEqual(["owner", "admin", "member", "viewer"]);
  expect(rolesUpTo("admin")).toEqual(["admin", "member", "viewer"]);
  expect([mayChange("owner", "owner"), mayChange("admin", "admin"), mayChange("admin", "viewer")]).toEqual([true, true, true]);
  expect([mayChange("admin", "owner"), mayChange("member", "viewer"), mayChange("viewer", "viewer")]).toEqual([false, false, false]);
});

test("an invitation is what the server takes for one, and nothing else in the hash", () => {
  expect(invitationOf("#invitation=ten-1.inv-2.S_e-c")).toBe("ten-1.inv-2.S_e-c");
  expect(["", "#invitation=", "#other=1", "#invitation=a b", `#invitation=${"x".repeat(201)}`].map(invitationOf)).toEqual(Array.from({ length: 5 }, () => undefined));
});

test("a mailed link has the address with all its signs, and what confirms it", () => {
  expect(confirmationOf("#confirmation=17.a-_b&email=a%2Bb@example.com")).toEqual({ confirmation: "17.a-_b", email: "a+b@example.com" });
  expect(confirmationOf("#invitation=ten-1.inv-2&confirmation=1.x&email=a+b@c.d")).toEqual({ confirmation: "1.x", email: "a+b@c.d" });
  expect(["", "#confirmation=1.x", "#email=a@b.c", "#confirmation=a b&email=a@b.c", `#confirmation=${"x".repeat(65)}&email=a@b.c`].map(confirmationOf)).toEqual(Array.from({ length: 5 }, () => undefined));
});
