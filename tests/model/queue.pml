/*
 * The ticket queue of src/queue/ticket.c and queue.c as a model for spin(1): CALLERS processes
 * arrive, wait for their nearest living predecessor, take the lock, and release it. Any of
 * them may crash between any two steps, leave the queue and come back to its place, and
 * remove dead tickets.
 *
 * Names are stamps of a clock; a ticket that returns to its place gets the next name, which
 * the clock never gives. A ticket's lock is free when its owner has closed it or died.
 *
 * Checked: at most one holder; nobody enters before a living ticket that had settled before
 * its own and has not left; no living ticket is removed; nobody is forgotten (no state in
 * which a caller waits for ever: spin's invalid end states).
 *
 * The search is exhaustive for four callers that may all crash, for four that may leave and come
 * back (-DNO_CRASHES), and for three that may do both. Four that may do both were checked once,
 * without an error: -DCALLERS=4 -DLEAVES=1, 233,332,770 states, 12.5 GB, 9.5 minutes.
 *
 * -DCOUNTED is the known mistake: names are counted numbers and used again. Two who clean up
 * then remove a living ticket, and the model must find it.
 * -DNO_RETRY is another: late arrivals keep their stamp, and count as older than the holder.
 */
#ifndef CALLERS
#define CALLERS 4
#endif
#ifndef LEAVES
#define LEAVES 1 /* so often somebody may leave the queue and come back */
#endif
#define NAMES 60
#ifdef NO_CRASHES
#define CRASH(branch)
#else
#define CRASH(branch) branch
#endif

bit linked[NAMES]; /* there is a file of this name */
bit locked[NAMES]; /* and its owner lives */
bit settled[NAMES]; /* its owner has said so, and only then looks for predecessors */

byte ticks; /* the clock: stamps are 4, 8, 12 ... */
byte started; /* callers are alike: they read the clock first in the order of their numbers */
byte leaves = LEAVES;
bit lock; /* the target's flock */
byte holders;

byte place[CALLERS]; /* name of a settled ticket, 0 without one */
bit returned[CALLERS]; /* to a kept place: others may have looked before it came */

/*
 * A living ticket of a later name whose owner may have looked already. One that has not
 * settled will see this one when it looks; if it counted, two could make each other start
 * again for ever.
 */
inline find_later(name, result)
{
	result = 0;
	i = name + 1;
	do
	:: i < NAMES -> if
			:: linked[i] && locked[i] && settled[i] -> result = i
			:: else
			fi;
			i++
	:: else -> break
	od
}

/* The nearest living ticket before this one. */
inline find_predecessor(name, result)
{
	result = 0;
	i = name - 1;
	do
	:: i > 0 && !(linked[i] && locked[i]) -> i--
	:: i > 0 && linked[i] && locked[i] -> result = i; break
	:: i == 0 -> break
	od
}

/* A dead ticket before this one that stands for nothing, or whose time is over. */
inline find_dead(name, result)
{
	result = 0;
	i = 1;
	do
	:: i < name && !(linked[i] && !locked[i]) -> i++
	:: i < name && linked[i] && !locked[i] -> result = i; break
	:: i >= name -> break
	od
}

inline check_order(me)
{
#ifndef COUNTED /* that mistake shows in both; what it is known for is the other */
	i = 0;
	do
	:: i < CALLERS ->
		assert(!(i != me && place[i] && !returned[i] && place[i] < place[me]));
		i++
	:: else -> i = 0; break
	od
#endif
	skip
}

proctype caller(byte me)
{
	byte name, other, i;

	/* One that dies before it has a ticket is one that never came. */
	atomic { started == me -> started++ };
arrive:
	skip; /* a label cannot stand at a d_step */
#ifdef COUNTED
	d_step { /* the lowest number that is free */
		name = 1;
		do
		:: linked[name] -> name++
		:: else -> break
		od;
		i = 0
	};
	if
	:: atomic { !linked[name] -> linked[name] = 1; locked[name] = 1 }
	:: linked[name] -> goto arrive
	fi;
#else
	d_step { ticks = ticks + 4; name = ticks; assert(name < NAMES - LEAVES) };
	d_step { linked[name] = 1; locked[name] = 1 };
#endif

	/* Linked and locked, not settled yet. */
	if
	CRASH(:: d_step { locked[name] = 0; name = 0; other = 0 }; goto dead)
	:: atomic {
		d_step { find_later(name, other); i = 0 }
#if defined(NO_RETRY) || defined(COUNTED)
		other = 0
#endif
	   }
	fi;
	if
	:: other -> linked[name] = 0; d_step { locked[name] = 0; name = 0; other = 0 }; goto arrive
	:: else
	fi;
	if
	CRASH(:: d_step { locked[name] = 0; name = 0 }; goto dead)
	:: d_step { settled[name] = 1; place[me] = name }
	fi;

wait:
	if
	CRASH(:: goto crash)
	:: atomic { leaves -> leaves-- ; goto leave }
	:: d_step { find_dead(name, other) };
	   if
	   :: other ->
		/* Between seeing it dead and removing it, others act. */
		if
		:: atomic {
			linked[other] -> assert(!locked[other]);
			linked[other] = 0; other = 0
		   }
		:: atomic { !linked[other] -> other = 0 }
		fi
	   :: else
	   fi;
	   d_step { find_predecessor(name, other); i = 0 };
	   if
	   :: other -> if
			:: atomic { !locked[other] -> other = 0; goto wait }
			:: atomic { leaves -> leaves--; other = 0; goto leave }
			fi
	   :: else -> goto take
	   fi
	fi;

take:
	if
	CRASH(:: goto crash)
	:: atomic { !lock -> lock = 1; check_order(me); holders++; assert(holders == 1) }
	fi;

	/* The run itself. */
	if
	CRASH(:: atomic { holders--; lock = 0; goto crash })
	:: skip
	fi;
	d_step { linked[name] = 0; place[me] = 0 };
	d_step { locked[name] = 0; settled[name] = 0; name = 0; returned[me] = 0; holders--; lock = 0 };
	goto end;

leave:
	skip;
	d_step { place[me] = 0; returned[me] = 0; locked[name] = 0; settled[name] = 0 };
	/* And comes back: whoever removes the old ticket has the place. */
	if
	:: name = 0; goto end
	:: atomic { linked[name] -> linked[name] = 0 }
	   if
	   :: name = 0; goto end
	   :: d_step {
		name++; /* never given by the clock */
		linked[name] = 1; locked[name] = 1; settled[name] = 1;
		place[me] = name; returned[me] = 1
	      }
	   fi;
	   goto wait
	:: atomic { !linked[name] -> name = 0; goto arrive }
	fi;

crash:
	skip;
	d_step { place[me] = 0; locked[name] = 0; settled[name] = 0; name = 0; returned[me] = 0 };
dead:
end:
	skip
}

init {
	byte n = 0;

	atomic {
		do
		:: n < CALLERS -> run caller(n); n++
		:: else -> break
		od
	}
}
