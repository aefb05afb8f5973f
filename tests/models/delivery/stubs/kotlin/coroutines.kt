// What the README's example calls of kotlinx.coroutines: signatures, no deeds.
package kotlinx.coroutines

import kotlin.coroutines.CoroutineContext

interface CoroutineScope

interface Job

object Dispatchers {
    @JvmStatic val Default: CoroutineContext get() = TODO()
}

fun CoroutineScope.launch(block: suspend CoroutineScope.() -> Unit): Job = TODO()

suspend fun <T> runInterruptible(context: CoroutineContext, block: () -> T): T = TODO()
