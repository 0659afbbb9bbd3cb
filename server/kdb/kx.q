/ NOT EXECUTED WITHOUT A LICENCE. What only KX's engine has: attributes, log handles and -11! replay. Other engines
/ parse this file and go on with the plain q in ingest.q and retention.q.
if[.z.K>=3;
 .smp.parted:{@[x;`sym;`p#]};
 .smp.grouped:{@[x;`sym;`g#]};
 .smp.handle:(`;0i);
 .smp.append:{[f;m]
  if[not f~.smp.handle 0;@[hclose;.smp.handle 1;::];.smp.handle:(f;hopen f)];
  .smp.handle[1]m;};
 .smp.replay:{[f]                                                       / a log that ends in half a message is cut off there
  n:-11!(-2;f);
  -11!(first n;f);
  .smp.broken:1<count n;}]
