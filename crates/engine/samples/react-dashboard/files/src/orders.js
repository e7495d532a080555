// What is computed from orders. Amounts are in cents.

const ORDERS = {
  newest: (one, other) => other.day.localeCompare(one.day),
  oldest: (one, other) => one.day.localeCompare(other.day),
  highest: (one, other) => other.cents - one.cents,
};

export function euros(cents) {
  return new Intl.NumberFormat("en-US", { style: "currency", currency: "EUR" }).format(cents / 100);
}

/** What was paid: cancelled orders do not count. */
export function revenue(orders) {
  return orders.filter(({ status }) => status !== "cancelled").reduce((sum, { cents }) => sum + cents, 0);
}

/** A bar for each day that has orders, in their order. */
export function revenueByDay(orders) {
  const days = [...new Set(orders.map(({ day }) => day))].sort();
  return days.map((day) => ({ label: day, value: revenue(orders.filter((order) => order.day === day)) }));
}

export function sortOrders(orders, sort) {
  return [...orders].sort(ORDERS[sort] ?? ORDERS.newest);
}
