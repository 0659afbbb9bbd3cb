/ Who may log in, and what may be called: the functions of .smp.api with arguments of these types, nothing else. What
/ comes in is never evaluated: a name is looked up, arguments are applied.
.smp.users:(();();())                                                   / names, salts, hashes: a file of name:salt:hash
.smp.login:{x:":"vs/:x where(0<count each x)and not x like"/*";.smp.users:(x[;0];x[;1];"X"$/:2 cut/:x[;2]);}
.z.pw:{[u;p]                                                            / a name comes as symbol or text, KX's as symbol
 i:.smp.users[0]?$[10h=type u;u;string u];
 $[i<count .smp.users 0;.smp.users[2;i]~md5 .smp.users[1;i],p;0b]}

.smp.check:{[x]
 m:.smp.schema .smp.tables;
 c:flip`table`column`type!(.smp.tables where count each cols each m;raze cols each m;
  raze{`$'.Q.t type each x cols x}each m);
 `release`build`os`time`user`functions`columns`log`partitions`used!(.z.K;.z.k;.z.o;.z.p;.z.u;key .smp.api;c;
  first .smp.logged .smp.log;.smp.days .smp.gen;.Q.w[]`used)}
.smp.api:(!). flip(
 (`.smp.upd;(.smp.upd;enlist 0 98h));
 (`.smp.series;(.smp.series;-2 -11 -12 -12 -7 -1h));
 (`.smp.latest;(.smp.latest;enlist 101h));
 (`.smp.sparks;(.smp.sparks;2 -12 -12 -7h));
 (`.smp.times;(.smp.times;-2 -11 -12 -12h));
 (`.smp.rows;(.smp.rows;-2 -11 -12 -12 -7h));
 (`.smp.ledger;(.smp.ledger;enlist -2h));
 (`.smp.remember;(.smp.remember;-2 7 12 2h));
 (`.smp.erase;(.smp.erase;-2 -1h));
 (`.smp.expire;(.smp.expire;enlist -12h));
 (`.smp.expiring;(.smp.expiring;enlist -12h));
 (`.smp.counts;(.smp.counts;enlist 101h));
 (`.smp.bytes;(.smp.bytes;enlist 101h));
 (`.smp.cursor;(.smp.cursor;enlist 101h));
 (`.smp.changed;(.smp.changed;enlist -7h));
 (`.smp.check;(.smp.check;enlist 101h)))
.smp.apply:{[n;f;a]f . a}                                              / a gateway asks others: kx.q
.smp.call:{[x]
 if[not type[x]in 0 11h;'`smp.access];
 n:$[10h=type f:first x;f;-11h=type f;string f;""];
 i:(string key .smp.api)?n;if[i=count .smp.api;'`smp.access];            / as text: no symbol is made of input
 f:.smp.api key[.smp.api]i;a:1_x;
 if[count[a]<>count f 1;'`smp.type];
 if[not all(type each a)in'f 1;'`smp.type];
 .smp.apply[n;f 0;a]}
.z.pg:.smp.call
.z.ps:{[x].smp.call x;}
.z.ph:.z.pp:{[x]"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}
.z.ws:.z.pq:.z.pm:{[x]'`smp.access}
