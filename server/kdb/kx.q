/ NOT EXECUTED WITHOUT A LICENCE. What only KX's engine has: attributes, log handles and -11! replay. Other engines
/ parse this file and go on with the plain q of the other files.
if[.z.K>=3;
 .smp.parted:{@[x;`sym;`p#]};
 .smp.grouped:{@[x;`sym;`g#]};
 .smp.handle:(`;0Ni);
 .smp.shut:{[]if[not null h:.smp.handle 1;.smp.handle:(`;0Ni);hclose h];};
 .smp.begin:{[f].smp.shut[];f set();};                                  / a file of this name may be open and deleted
 .smp.append:{[f;m]if[not f~.smp.handle 0;.smp.shut[];.smp.handle:(f;hopen f)];.smp.handle[1]m;};
 .smp.logged:{[f] -11!(-2;f)};                                          / two numbers where the end is half a message
 .smp.replayed:{[l] -11!l};                                             / (count;log) of a tickerplant
 .smp.replay:{[f]n:.smp.logged f; -11!(first n;f);.smp.broken:1<count n;}]
