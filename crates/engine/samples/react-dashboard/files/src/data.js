// The orders shown: invented, like their customers.

export const orders = [
  { id: 1041, day: "2025-03-03", customer: "Ada Nowak", status: "sent", cents: 12950 },
  { id: 1042, day: "2025-03-03", customer: "Bruno Silva", status: "sent", cents: 4500 },
  { id: 1043, day: "2025-03-04", customer: "Chloé Martin", status: "paid", cents: 23800 },
  { id: 1044, day: "2025-03-05", customer: "Dev Patel", status: "cancelled", cents: 9900 },
  { id: 1045, day: "2025-03-05", customer: "Elif Kaya", status: "paid", cents: 7325 },
  { id: 1046, day: "2025-03-06", customer: "Ada Nowak", status: "paid", cents: 1875 },
];
