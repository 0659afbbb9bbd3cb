/ The tables of consent/catalogue.py, time and sym first; as tick/sym.q it serves the stock tickerplant as it is.
/ Made by flip, since user and system are words of q. sym is a guid: README.md says why.
cpu:flip`time`sym`core`user`system`nice`iowait`interrupt`steal`idle!0#'(0Np;0Ng;0Nh;0n;0n;0n;0n;0n;0n;0n)
memory:flip`time`sym`total_bytes`available_bytes`used_bytes`swap_total_bytes`swap_used_bytes!0#'(0Np;0Ng;0N;0N;0N;0N;0N)
disk:flip`time`sym`device`read_bytes_per_second`write_bytes_per_second`reads_per_second`writes_per_second`busy!
 0#'(0Np;0Ng;`;0n;0n;0n;0n;0n)

.smp.tables:`cpu`memory`disk
.smp.schema:.smp.tables!(cpu;memory;disk)
.smp.part:.smp.tables!`core``device                                     / what splits a machine
.smp.nullable:.smp.tables!(`user`system`nice`iowait`interrupt`steal`idle;0#`;enlist`busy)
.smp.top:{$[all null x;0n;max x]}                                       / max of nothing but nulls is -0w in q
.smp.across:.smp.tables!(7#enlist avg;5#enlist sum;(sum;sum;sum;sum;.smp.top)) / how parts become one, per value column
.smp.values:{(cols .smp.schema x)except`time`sym,.smp.part x}
.smp.batches:([sym:0#0Ng;sequence:0#0]time:0#0Np;digest:0#0Ng)          / the ledger behind idempotency
