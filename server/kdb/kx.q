/ NOT EXECUTED WITHOUT A LICENCE. What only KX's engine has: attributes, log handles and -11! replay. Other engines
/ parse this file and go on with the plain q of the other files.
if[.z.K>=3;
 .smp.parted:{@[x;`sym;`p#]};
 .smp.grouped:{@[x;`sym;`g#]};
 .smp.handle:(`;0Ni);
 .smp.append:{[f;m]
  if[not f~.smp.handle 0;if[not null .smp.handle 1;hclose .smp.handle 1];.smp.handle:(f;hopen f)];
  .smp.handle[1]m;};
 .smp.logged:{[f] -11!(-2;f)};                                          / two numbers where the end is half a message
 .smp.replayed:{[l] -11!l};                                             / (count;log) of a tickerplant
 .smp.replay:{[f]n:.smp.logged f; -11!(first n;f);.smp.broken:1<count n;}]
