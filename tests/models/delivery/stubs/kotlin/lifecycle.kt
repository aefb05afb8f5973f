// What the README's example calls of androidx.lifecycle: signatures, no deeds.
package androidx.lifecycle

import android.app.Application
import kotlinx.coroutines.CoroutineScope

abstract class ViewModel {
    protected open fun onCleared() = Unit
}

open class AndroidViewModel(application: Application) : ViewModel()

val ViewModel.viewModelScope: CoroutineScope
    get() = TODO()
