// What the delivered sources use of android.os; the main thread is the one that Java calls so.
package android.os

class Looper private constructor() {
    companion object {
        private val main = Looper()

        @JvmStatic
        fun myLooper(): Looper? = if (Thread.currentThread().name == "main") main else null

        @JvmStatic fun getMainLooper(): Looper = main
    }
}
