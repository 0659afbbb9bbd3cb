/ Answers, over the day in memory and the days on disk.
.smp.plain:{@[x;where 20h<=type each flip x;value]}                     / symbols of a partition as symbols of their own
.smp.disk:{[g;d;t]                                                      / a table of a partition, mapped
 `sym set @[get;` sv .smp.root[g],`sym;0#`];
 get .smp.path[g;d;t]}
.smp.within:{[t;i;s;e]                                                  / of one or many instances, s<=time<e
 if[not t in .smp.tables;'`smp.range];                                  / never a path or another name
 (($[0>type i;=;in];`sym;i);(>=;`time;s);(<;`time;e))}
.smp.held:{[t;i;s;e]?[t;.smp.within[t;i;s;e];0b;()]}                    / in memory
.smp.pick:{[t;i;s;e]                                                    / and on disk
 c:.smp.within[t;i;s;e];
 d:.smp.days .smp.gen;d:d where d within"d"$(s;e);
 raze enlist[?[t;c;0b;()]],{[t;c;d].smp.plain ?[.smp.disk[.smp.gen;d;t];c;0b;()]}[t;c]each d}

.smp.overview:.smp.tables!(                                             / what .smp.latest says, at the newest time
 {select cpu_busy:1-avg idle,cores:count distinct core by sym,time from x};
 {select memory_used_ratio:last[used_bytes]%last ?[total_bytes>0;total_bytes;0N],memory_total_bytes:last total_bytes
   by sym,time from x};
 {select disk_read_bytes_per_second:sum read_bytes_per_second,disk_write_bytes_per_second:sum write_bytes_per_second
   by sym,time from x})
.smp.newest:{[t;x]m:max each x[`time]group x`sym;1!0!.smp.overview[t]x where x[`time]=m x`sym}
.smp.seen:.smp.tables!{0#1!0!.smp.overview[x]enlist first .smp.schema x}each .smp.tables
.smp.see:{[t;x]
 if[not count x;:()];
 n:0!.smp.newest[t;x];
 .smp.seen[t],:1!n where n[`time]>=(.smp.seen[t]([]sym:n`sym))`time;}
.smp.latest:{[x]
 i:distinct(0#0Ng),raze{(0!x)`sym}each .smp.seen .smp.tables;
 r:.smp.seen[.smp.tables]@\:([]sym:i);
 flip(`instance`last_time!(i;max r@\:`time)),raze flip each(enlist`time)_/:r}

.smp.quantile:{[x;p]i:p*-1+count x;j:floor i;x[j]+(i-j)*x[(j+1)&-1+count x]-x j} / linear, as quantile_cont
.smp.stat:{[x]                                                          / mean median min max p5 p95
 if[not count x:asc x where not null x;:6#0n];
 (avg x;.smp.quantile[x;.5];first x;last x;.smp.quantile[x;.05];.smp.quantile[x;.95])}
.smp.ms:{946684800000+("j"$x)div 1000000}                               / milliseconds since 1970
.smp.floorto:{[b;x]"p"$1000000*(b*.smp.ms[x]div b)-946684800000}        / the start of the bucket of b milliseconds
.smp.stats:{[n;p;b;v] / of one column, by part and bucket and by part
 r:(0!select v by p,b from([]p;b;v)),select p,b:0Np,v from 0!select v by p from([]p;v);
 ([]p:r`p;name:n;bucket:r`b),'flip`mean`median`minimum`maximum`p5`p95!flip .smp.stat each r`v}
.smp.nothing:flip`part`name`bucket`mean`median`minimum`maximum`p5`p95!0#'(`;`;0Np;0n;0n;0n;0n;0n;0n)
.smp.buckets:{[s;e;b]if[any(null s;null e;s>e;b<1;100000<(.smp.ms[e]-.smp.ms s)%b);'`smp.range];}
.smp.series:{[i;t;s;e;b;bypart]
 .smp.buckets[s;e;b];
 x:.smp.pick[t;i;s;e];v:.smp.values t;p:.smp.part t;
 j:not[null p]and not bypart;
 if[j;                                                                  / renamed, since system is a word of q
  u:`$"v_",/:string v;y:flip(`time,u)!enlist[x`time],x v;
  x:(`time,v)xcol 0!?[y;();(enlist`time)!enlist`time;u!.smp.across[t],'u]];
 k:$[null[p]or j;count[x]#0h;x p];
 if[t=`cpu;v,:`busy;x[`busy]:1-x`idle];
 w:.smp.floorto[b;x`time];
 if[not count x;:.smp.nothing];
 r:`p xasc raze{[k;w;x;n].smp.stats[n;k;w;"f"$x n]}[k;w;x]each v;
 flip(`part,1_cols r)!enlist[$[null[p]or j;count[r]#`;`$string r`p]],r 1_cols r}

.smp.figures:`cpu_busy`memory_used_ratio`disk_bytes_per_second!(        / what .smp.sparks shows, by instance and bucket
 {[b;x]select mean:avg 1-idle by sym,bucket:.smp.floorto[b;time]from x};
 {[b;x]select mean:avg used_bytes%?[total_bytes>0;total_bytes;0N]by sym,bucket:.smp.floorto[b;time]from x};
 {[b;x]select mean:sum[s]%max n by sym,bucket from
   0!select s:sum read_bytes_per_second+write_bytes_per_second,n:count i
    by sym,bucket:.smp.floorto[b;time],device from x})
.smp.spark:{[i;s;e;b;n;t]
 if[not count x:.smp.pick[t;i;s;e];:.smp.dark];
 x:0!.smp.figures[n][b;x];
 flip`instance`name`bucket`mean!(x`sym;count[x]#n;x`bucket;"f"$x`mean)}
.smp.dark:flip`instance`name`bucket`mean!0#'(0Ng;`;0Np;0n)
.smp.sparks:{[i;s;e;b]
 .smp.buckets[s;e;b];
 raze .smp.spark[i;s;e;b]'[key .smp.figures;.smp.tables]}
.smp.times:{[i;t;s;e]x:.smp.pick[t;i;s;e];distinct((`time,.smp.part t)except`)#x}

.smp.page:{[t;i;n;f;u;x;d]                                                / of one day, when there is nothing yet
 if[count x;:x];
 x:.smp.pick[t;i;f|"p"$d;u&"p"$d+1];
 if[n<count x;x:x where x[`time]<=(asc x`time)n-1];             / a moment is never split
 ((`time,.smp.part t)except`)xasc(enlist`sym)_x}
.smp.rows:{[i;t;f;u;n]
 if[not(t in .smp.tables)and n within 1 100000;'`smp.range];
 d:distinct .smp.days[.smp.gen],"d"$?[t;enlist(=;`sym;i);();`time];
 .smp.page[t;i;n;f;u]/[(enlist`sym)_0#.smp.schema t;asc d where d>="d"$f]}

.smp.cursor:{[x].smp.cur}
.smp.changed:{[c](c within .smp.floor,.smp.cur;where .smp.moved>c)}
