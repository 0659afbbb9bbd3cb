/ A generation is a directory (an HDB of its own: sym, batches, dates) and a log of what is in memory only. Erasing,
/ expiring and writing days down are one act: write the next generation, say it is done, switch, delete the old one. So
/ a crash leaves the old one or the new one, the sym file holds no word of what is gone, no file changes in place.
.smp.none:(=;`sym;0Ng)                                                  / matches no row
.smp.root:{` sv .smp.dir,`$string x}
.smp.file:{[g;e]` sv .smp.dir,`$string[g],e}
.smp.disks:0#`                                                          / more than one disk: a folder on each
.smp.segments:{[g]$[count .smp.disks;.smp.disks{` sv x,y}\:`$string g;enlist .smp.root g]}
.smp.path:{[g;d;t]s:.smp.segments g;` sv(s("j"$d)mod count s),(`$string d),t,`} / as .Q.par has it
.smp.days:{d:raze{$[11h=type k:key x;"D"$string k;0#0Nd]}each .smp.segments x;asc d where not null d}
.smp.rm:{if[11h=type k:key x;.z.s each` sv/:x,/:k];if[not()~k;hdel x];}
.smp.size:{$[11h=type k:key x;sum .z.s each` sv/:x,/:k;()~k;0;hcount x]}
.smp.parted:.smp.grouped:{x}                                            / attributes: kx.q
.smp.down:{[g;d;t;x].smp.path[g;d;t]set .Q.en[.smp.root g;.smp.parted`sym`time xasc x];}

.smp.kept:{[c;x]?[x;enlist(not;c);0b;()]}
.smp.found:{[c;x]?[x;enlist c;();(count;`i)]}
.smp.matching:{[c].smp.tables!{[c;t].smp.found[c;t]+sum{[c;t;d].smp.found[c;.smp.disk[.smp.gen;d;t]]}[c;t]each
 .smp.days .smp.gen}[c]each .smp.tables}
.smp.ofday:{[c;d;day;t]                                                 / the rows of a day that are to be on disk
 m:?[t;((>=;`time;"p"$day);(<;`time;"p"$day+day<=d));0b;()];
 .smp.kept[c]m,$[day in .smp.days .smp.gen;.smp.plain select from .smp.disk[.smp.gen;day;t];0#m]}
.smp.write:{[g;c;d]                                                     / answers with what stays in memory
 if[count .smp.disks;(` sv .smp.root[g],`par.txt)0:1_/:string .smp.segments g];
 (` sv .smp.root[g],`sym)set 0#`;(` sv .smp.root[g],`batches)set .smp.kept[c].smp.batches;
 m:distinct raze{"d"$?[x;();();`time]}each .smp.tables;
 {[g;c;d;day]x:.smp.ofday[c;d;day]each .smp.tables;if[any count each x;.smp.down[g;day]'[.smp.tables;x]]}[g;c;d]
  each asc distinct .smp.days[.smp.gen],m where m<=d;
 x:{[c;d;t].smp.kept[c]?[t;enlist(>=;`time;"p"$d+1);0b;()]}[c;d]each .smp.tables;
 .smp.begin .smp.file[g;".log"];
 {[f;t;x].smp.append[f]each{[t;x]enlist(`.smp.put;t;x)}[t]each 1000000 cut x}[.smp.file[g;".log"]]'[.smp.tables;x];
 .smp.file[g;".done"]set 1b;
 x}
.smp.drop:{[g].smp.rm each(.smp.file[g;".done"];.smp.file[g;".log"];.smp.root g),.smp.segments g;}
.smp.roll:{[c;d]                                                        / without rows that match c, days to d on disk
 n:.smp.matching c;.smp.drop g:1+.smp.gen;
 x:.[.smp.write;(g;c;d);{[g;e].smp.drop g;'e}g];
 .smp.drop .smp.gen;.smp.gen:g;.smp.log:.smp.file[g;".log"];.smp.broken:0b;
 .smp.tables set'.smp.grouped each x;
 .smp.batches:.smp.kept[c].smp.batches;.smp.seen:.smp.kept[c]each .smp.seen;
 .smp.floor:.smp.step[];
 n}
.smp.erase:{[i;final]
 if[final;.smp.barred:distinct .smp.barred,i];
 n:.smp.roll[(=;`sym;i);0Nd];
 .smp.moved:(enlist i)_.smp.moved;
 n}
.smp.expire:{[p].smp.roll[(<;`time;p);.z.d-1]}
.smp.expiring:{[p].smp.matching(<;`time;p)}
.smp.counts:{[x].smp.matching(not;.smp.none)}
.smp.bytes:{[x]sum .smp.size each .smp.dir,.smp.disks}
.smp.done:{[k]g:"J"$-5_'k where k like"*.done";$[count g;max g;0]}
.smp.open:{[dir]
 .smp.dir:dir;k:enlist[""],$[11h=type k:key dir;string k;()];.smp.gen:.smp.done k;
 if[(0=.smp.gen)and 1<count k;'`$"smp.dir: not empty, and no store of ours"];
 .smp.drop each distinct("J"$first each"."vs/:k)except .smp.gen,0N;     / what a crash left
 .smp.log:.smp.file[.smp.gen;".log"];
 if[0=.smp.gen;.smp.roll[.smp.none;0Nd]];
 .smp.batches:get` sv .smp.root[.smp.gen],`batches;
 {[t]{[t;d].smp.see[t;.smp.plain select from .smp.disk[.smp.gen;d;t]]}[t]each .smp.days .smp.gen}each .smp.tables;
 .smp.tables set'.smp.grouped each .smp.schema .smp.tables;
 .smp.replay .smp.log;
 .smp.floor:.smp.step[];}
