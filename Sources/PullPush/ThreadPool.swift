import CSystem

/// Work that falls into units, which threads share.
protocol UnitWork {
    func run(_ worker: Int, _ unit: Int)
}

/// Helper threads that sleep until a call has work for them. They start when first needed and stay.
///
/// One call at a time has the helpers; a call that finds them taken works alone. So does, in effect, a call whose
/// helpers are late: the caller takes units like everyone else and waits at the end only for units that are under way.
///
/// To wake a thread takes about as long as a small batch, on both sides. So a thread that has to wait looks around for a
/// moment before it sleeps: the work of a call comes in two or three parts, one after the other.
struct ThreadPool {
    /// A call's work. `next` is the next unit that nobody has taken.
    ///
    /// A function and its context, not a closure: a closure that outlives its caller is an allocation, and when that fails
    /// the process dies.
    private struct Job {
        var next: Int64 = 0
        var units: Int
        var work: Work
    }

    /// What caller and helpers share; it lives as long as the process.
    private struct Shared {
        var mutex = csystem_mutex()
        var wake = csystem_condition()
        var done = csystem_condition()
        /// Nil when there is no work that a helper may join.
        var job: UnsafeMutablePointer<Job>?
        /// Jobs so far, which a helper that looks around sees without the lock.
        var jobs: Int64 = 0
        /// Helpers that may still join the job, and the worker number that the next one gets.
        var seats = 0
        var nextWorker = 0
        /// Helpers that are in the job; read without the lock, too.
        var active: Int64 = 0
        var helpers = 0
        /// Helpers that sleep, and whether the caller does.
        var asleep = 0
        var callerSleeps = false
        /// 1 while a call has the helpers.
        var taken: Int64 = 0
        var process: pid_t = 0
    }

    private let shared: UnsafeMutablePointer<Shared>

    /// Longer than it takes to wake a thread, and than most blocks of a push take, for the last of which one waits.
    private static var moment: Int64 { 60_000 }

    private static func lookAround(while condition: () -> Bool) {
        let end = csystem_nanoseconds() + moment
        while condition() && csystem_nanoseconds() < end { csystem_pause() }
    }

    /// The address of the pool's `Shared`, or 0 before first use.
    nonisolated(unsafe) private static var current: Int64 = 0

    /// The pool of this process. A forked child has none of its parent's threads, and locks that may be in any state: it
    /// leaves the parent's pool alone and makes its own.
    private init?() {
        let process = getpid()
        while true {
            let address = csystem_load(&Self.current)
            if let found = UnsafeMutablePointer<Shared>(bitPattern: Int(address)), found.pointee.process == process {
                shared = found
                return
            }
            guard let memory = malloc(MemoryLayout<Shared>.size) else { return nil }
            let fresh = memory.assumingMemoryBound(to: Shared.self)
            fresh.initialize(to: Shared())
            fresh.pointee.process = process
            if csystem_compare_exchange(&Self.current, address, Int64(Int(bitPattern: fresh))) != 0 {
                shared = fresh
                return
            }
            free(memory)
        }
    }

    /// What is done for a unit: a function in a struct, for one that takes a function is compiled again for each.
    struct Work {
        let context: UnsafeRawPointer
        /// It captures nothing.
        let run: (_ context: UnsafeRawPointer, _ worker: Int, _ unit: Int) -> Void
    }

    /// Runs `work` for every unit.
    @inline(__always)
    static func run<W: UnitWork>(_ units: Int, workers: Int, _ work: W) {
        withUnsafePointer(to: work) {
            run(
                units, workers: workers,
                Work(context: $0) { context, worker, unit in
                    context.assumingMemoryBound(to: W.self).pointee.run(worker, unit)
                })
        }
    }

    /// Does the work for every unit, by up to `workers` threads of which the caller is one, worker 0.
    @inline(never)
    static func run(_ units: Int, workers: Int, _ work: Work) {
        guard workers > 1, units > 1, let pool = ThreadPool(), csystem_exchange(&pool.shared.pointee.taken, 1) == 0
        else {
            for unit in 0..<units { work.run(work.context, 0, unit) }
            return
        }
        var job = Job(units: units, work: work)
        withUnsafeMutablePointer(to: &job) { pool.run($0, helpers: min(workers, units) - 1) }
        _ = csystem_exchange(&pool.shared.pointee.taken, 0)
    }

    private func run(_ job: UnsafeMutablePointer<Job>, helpers: Int) {
        // A caller that is cancelled while it waits would leave its helpers with work whose memory is gone.
        var cancellation: Int32 = 0
        pthread_setcancelstate(Int32(PTHREAD_CANCEL_DISABLE), &cancellation)
        pthread_mutex_lock(&shared.pointee.mutex)
        startHelpers(helpers)
        shared.pointee.job = job
        shared.pointee.seats = helpers
        shared.pointee.nextWorker = 1
        _ = csystem_fetch_add(&shared.pointee.jobs, 1)
        if shared.pointee.asleep > 0 { pthread_cond_broadcast(&shared.pointee.wake) }
        pthread_mutex_unlock(&shared.pointee.mutex)

        Self.work(job, worker: 0)

        pthread_mutex_lock(&shared.pointee.mutex)
        shared.pointee.job = nil
        if shared.pointee.active > 0 {
            pthread_mutex_unlock(&shared.pointee.mutex)
            Self.lookAround { csystem_load(&shared.pointee.active) > 0 }
            pthread_mutex_lock(&shared.pointee.mutex)
        }
        shared.pointee.callerSleeps = true
        while shared.pointee.active > 0 { pthread_cond_wait(&shared.pointee.done, &shared.pointee.mutex) }
        shared.pointee.callerSleeps = false
        pthread_mutex_unlock(&shared.pointee.mutex)
        pthread_setcancelstate(cancellation, nil)
    }

    private static func work(_ job: UnsafeMutablePointer<Job>, worker: Int) {
        while true {
            let unit = Int(csystem_fetch_add(&job.pointee.next, 1))
            if unit >= job.pointee.units { return }
            job.pointee.work.run(job.pointee.work.context, worker, unit)
        }
    }

    /// Fewer helpers than asked for is no error: the work gets done by those there are.
    private func startHelpers(_ count: Int) {
        while shared.pointee.helpers < count {
            let status = csystem_start_thread(
                { context in
                    ThreadPool.serve(context.unsafelyUnwrapped.assumingMemoryBound(to: Shared.self))
                    return nil
                }, shared)
            if status != 0 { return }
            shared.pointee.helpers += 1
        }
    }

    /// A helper's life.
    private static func serve(_ shared: UnsafeMutablePointer<Shared>) {
        // A thread begins with the mode of the one that started it.
        _ = csystem_exchange_float_mode(0)
        pthread_mutex_lock(&shared.pointee.mutex)
        while true {
            guard let job = shared.pointee.job, shared.pointee.seats > 0 else {
                let jobs = shared.pointee.jobs
                pthread_mutex_unlock(&shared.pointee.mutex)
                lookAround { csystem_load(&shared.pointee.jobs) == jobs }
                pthread_mutex_lock(&shared.pointee.mutex)
                if shared.pointee.jobs == jobs {
                    shared.pointee.asleep += 1
                    while shared.pointee.jobs == jobs {
                        pthread_cond_wait(&shared.pointee.wake, &shared.pointee.mutex)
                    }
                    shared.pointee.asleep -= 1
                }
                continue
            }
            shared.pointee.seats -= 1
            let worker = shared.pointee.nextWorker
            shared.pointee.nextWorker += 1
            _ = csystem_fetch_add(&shared.pointee.active, 1)
            pthread_mutex_unlock(&shared.pointee.mutex)
            work(job, worker: worker)
            pthread_mutex_lock(&shared.pointee.mutex)
            _ = csystem_fetch_add(&shared.pointee.active, -1)
            if shared.pointee.active == 0 && shared.pointee.callerSleeps { pthread_cond_signal(&shared.pointee.done) }
        }
    }
}
