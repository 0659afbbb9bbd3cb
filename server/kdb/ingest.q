/ .smp.upd takes batches in: all or nothing each, and in the append log before it answers.
.smp.cur:.smp.floor:0                                                   / cursor; below the floor, all may have changed
.smp.moved:(0#0Ng)!0#0                                                  / instance -> cursor of its last rows
.smp.barred:0#0Ng                                                       / erased for good; never on disk, so no id stays
.smp.broken:0b                                                          / the log may end in half a message
.smp.step:{[].smp.cur:(1+.smp.cur)|"j"$.z.p}
.smp.begin:{x set();}                                                   / kx.q has KX's own way for these four
.smp.append:{[f;m].[f;();,;m];}
.smp.logged:{count get x}                                               / messages in a log
.smp.replay:{[f]{$[`.smp.put~first x;.smp.put;.smp.take]. 1_x}each get f;}

.smp.digest:{"G"$"-"sv 0 8 12 16 20 cut"0123456789abcdef"raze 16 16 vs/:"j"$16#x} / the first 128 bits of the SHA-256
.smp.misfit:{[t;x]                                                      / the path of what fits no table, else `
 e:(enlist`sym)_.smp.schema t;
 if[not $[98h=type x;cols[x]~cols e;0b];:t];
 if[not count x;:`];
 if[any b:not(type each flip x)=type each flip e;:` sv t,first where b];
 b:{any null x}each((cols e)except .smp.nullable t)#flip x;
 $[any b;` sv t,first where b;`]}
.smp.judge:{[b]                                                         / (status;reason); enters the new in the ledger
 if[not -2 -7 10h~type each b`instance`sequence`digest;:`refused`sequence];
 i:b`instance;n:b`sequence;
 if[null[i]or(n<0)or 32<>count b`digest;:`refused`sequence];
 if[i in .smp.barred;:`erased`];
 if[count x:(key b)except`instance`sequence`digest,.smp.tables;:`refused,first x];
 t:.smp.tables inter key b;x:.smp.misfit'[t;b t];
 if[not all null x;:`refused,first x where not null x];
 h:.smp.digest b`digest;k:.smp.batches[(i;n)];
 if[not null k`time;:$[h=k`digest;`duplicate`;`reused`]];
 x:raze(b t)@\:`time;
 `.smp.batches upsert(i;n;$[count x;max x;.z.p];h);
 `stored`}
.smp.message:{[b]k:b`instance`sequence;(`.smp.take;k 0;k 1;.smp.batches k;(.smp.tables inter key b)#b)}
.smp.put:{[t;x]t insert x;.smp.see[t;x];}
.smp.take:{[i;n;l;x]
 `.smp.batches upsert(i;n;l`time;l`digest);
 {[i;x;t]if[count x;.smp.put[t;flip cols[.smp.schema t]#(flip x),(enlist`sym)!enlist count[x]#i]]}[i]'[x key x;key x];
 .smp.moved[i]:.smp.step[];}
.smp.commit:{[m]@[.smp.append .smp.log;m;{.smp.broken:1b;'x}];{.smp.take . 1_x}each m;}
.smp.undo:{[k;e]                                                        / what did not arrive is not known
 b:0!.smp.batches;c:`sym`sequence#b;
 .smp.batches:2!b where(c in .smp.arrived)or not c in flip`sym`sequence!flip k;
 'e}
.smp.ledger:{[s]select sequence,time,digest from 0!.smp.batches where sym=s}
.smp.remember:{[i;n;p;h]                                                / batches without their rows, as one without any
 if[not all count[n]=count each(p;h);'`smp.type];
 if[null[i]or(any null p)or any n<0;'`smp.range];
 if[i in .smp.barred;:-1];
 w:where not n in(.smp.ledger i)`sequence;
 if[count w;.smp.commit{[i;n;p;h](`.smp.take;i;n;`time`digest!(p;h);(0#`)!())}[i]'[n w;p w;h w]];
 count w}
.smp.field:{[bs;n;z]{[n;z;b]$[type[z]=type v:b n;v;z]}[n;z]each bs}
.smp.upd:{[bs]
 if[not count bs;'`smp.type];
 bs:{$[99h<>type x;(0#`)!();11h<>type key x;(0#`)!();x]}each bs;         / a keyed table is a dictionary too
 if[.smp.broken;.smp.roll[.smp.none;0Nd]];                              / a new log, before anything follows the half
 s:.smp.judge each bs;
 m:.smp.message each bs where`stored=s[;0];
 .smp.arrived:0#key .smp.batches;
 if[count m;@[.smp.commit;m;.smp.undo m[;1 2]]];
 flip(`instance`sequence`status`reason,.smp.tables)!(.smp.field[bs;`instance;0Ng];.smp.field[bs;`sequence;0N];
  s[;0];s[;1]),
  {[bs;t]{$[98h=type y x;count y x;0]}[t]each bs}[bs]each .smp.tables}
