/ q server/kdb/smp.q -p 5010 -dir /var/lib/sysmetric-kdb -users /etc/sysmetric/kdb-users
.smp.here:{$["/"in x;(1+last where x="/")#x;""]}string .z.f
{system"l ",.smp.here,x}each("schema.q";"ingest.q";"query.q";"retention.q";"access.q";"plant.q";"kx.q");
.smp.options:(`dir`users`role!enlist each("sysmetric-kdb";"";"single")),.Q.opt .z.x
.smp.disks:hsym`$$[`disks in key .smp.options;.smp.options`disks;()]
.smp.role:`$first .smp.options`role
if[.smp.role in`single`rdb;.smp.open hsym`$first .smp.options`dir];
(`single`rdb`hdb`gateway!({[]};.smp.isrdb;.smp.ishdb;.smp.isgateway))[.smp.role][];
if[count f:first .smp.options`users;.smp.login read0 hsym`$f];
if[not count .smp.users 0;-2"smp: nobody can log in; start with -users FILE (lines of name:salt:hash, README.md)"];
