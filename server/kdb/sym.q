/ NOT EXECUTED WITHOUT A LICENCE. The schema of the stock tickerplant (as tick/sym.q): a row is a whole batch, as bytes,
/ so that a batch is one message of the log. time is the plant's own; samples bring theirs.
batches:flip`time`sym`batch!(0#0Nn;0#0Ng;())
.smp.subscribed:{[x].u.sub[`batches;`];(.u.i;.u.L)}                      / how much of which log to replay
.smp.forget:{[s]                                                        / the log without an instance
 hclose .u.l;m:get .u.L;f:`$string[.u.L],".new";f set();h:hopen f;
 h m:m where not s=m[;2;1];hclose h;
 system"mv ",(1_string f)," ",1_string .u.L;
 .u.i:.u.j:count m;.u.l:hopen .u.L;}
.smp.settled:{[d]hdel`$(-10_string .u.L),string d;}                     / that day is in partitions
