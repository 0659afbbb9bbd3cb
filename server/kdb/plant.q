/ The processes of kdb+tick around the stock tickerplant (5010, sym.q): RDB 5011, HDB 5012, gateway 5013. Every role
/ changes a few names of the other files. -plant, -rdb, -hdb: files that hold what hopen takes, host:port:name:secret.
.smp.peer:{hopen hsym`$first read0 hsym`$first .smp.options x}
.smp.holds:(-11h;-2 2h;-12h;-12h)                                       / types of what a gateway asks RDB and HDB for
.smp.told:{[f;a]n:f . a;.smp.hdb(`.smp.reload;::);n}                    / the HDB follows whatever writes a generation
.smp.isrdb:{[]                                                          / 5011: the plant's log is the log
 .smp.plant:.smp.peer`plant;.smp.hdb:.smp.peer`hdb;
 .smp.commit:{[m]{.smp.plant(`.u.upd;`batches;(x 1;-8!1_x))}each m;};   / back through .z.ps before it returns
 .smp.api[`.smp.held]:(.smp.held;.smp.holds);
 .smp.api[`.smp.erase]:({[i;f]n:.smp.told[.smp.erase;(i;f)];.smp.plant(`.smp.forget;i);n};-2 -1h);
 .smp.api[`.smp.expire]:({[p].smp.told[.smp.expire;enlist p]};enlist -12h);
 `upd set{[t;x]b:-9!x 2;if[null .smp.batches[b 0 1;`time];.smp.take . b]}; / replay; what a generation has is skipped
 l:.smp.plant(`.smp.subscribed;::);if[not null first l;.smp.replayed l];
 .smp.arrive:{.smp.take . b:-9!x;.smp.arrived,:flip`sym`sequence!enlist each b 0 1};
 .z.ps:{[x]$[.z.w<>.smp.plant;.smp.call x;`upd~x 0;.smp.arrive each x[2]`batch;
  [.smp.told[.smp.roll;(.smp.none;x 1)];.smp.plant(`.smp.settled;x 1)]];};}
.smp.ishdb:{[]                                                          / 5012: reads what the RDB wrote
 .smp.dir:hsym`$first .smp.options`dir;
 .smp.reload:{[x].smp.gen:.smp.done string key .smp.dir;};.smp.reload[];
 .smp.api:`.smp.held`.smp.reload!((.smp.pick;.smp.holds);(.smp.reload;enlist 101h));}
.smp.isgateway:{[]                                                      / 5013: these from both, all else is the RDB's
 .smp.rdb:.smp.peer`rdb;.smp.hdb:.smp.peer`hdb;
 .smp.pick:{[t;i;s;e]raze(.smp.rdb;.smp.hdb)@\:(`.smp.held;t;i;s;e)};
 .smp.apply:{[n;f;a]$[n in(".smp.series";".smp.sparks");f . a;.smp.rdb(enlist`$n),a]};}
